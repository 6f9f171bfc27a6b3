import { describe, expect, it } from 'vitest';
import { climb, type JobSetup, withMicroBatch } from '../../src/recovery/memory-ladder.ts';

const GIB = 2 ** 30;

function setup(microBatch: number, accumulate = 1): JobSetup {
  return { flags: { microBatch, accumulate, recompute: false }, resources: { cores: 1, memoryBytes: GIB, gpus: 0 } };
}

describe('the memory ladder', () => {
  it('halves the micro-batch, then recomputes activations, then asks for more memory', () => {
    const rungs = [0, 1, 2, 3].map((failures) => climb(setup(64), failures, 8 * GIB));
    expect(rungs.map((rung) => [rung.flags.microBatch, rung.flags.recompute, rung.resources.memoryBytes])).toEqual([
      [64, false, GIB],
      [32, false, GIB],
      [32, true, GIB],
      [32, true, 2 * GIB],
    ]);
    expect(rungs[1]?.change).toBe('micro-batch 64 → 32, accumulation 1 → 2');
  });

  it.each([1, 2, 3, 5, 12, 48, 60, 64, 97])('keeps the global batch of %i on every rung', (batch) => {
    for (let failures = 0; failures < 20; failures += 1) {
      const rung = climb(setup(batch), failures, 4 * GIB);
      expect(rung.flags.microBatch * rung.flags.accumulate).toBe(batch);
    }
    expect(climb(setup(batch), 20, 4 * GIB).exhausted).toBe(true);
  });

  it('passes over a rung that would change nothing', () => {
    const rung = climb(setup(1, 8), 1, 8 * GIB);
    expect(rung).toMatchObject({
      flags: { microBatch: 1, accumulate: 8, recompute: true },
      change: 'activations are recomputed',
    });
  });

  it('ends when the micro-batch is one, activations are recomputed and the memory is at its limit', () => {
    expect(climb(setup(2), 3, 1.5 * GIB)).toMatchObject({
      flags: { microBatch: 1, recompute: true },
      resources: { memoryBytes: 1.5 * GIB },
    });
    const last = climb(setup(2), 3, 1.5 * GIB);
    expect(last.exhausted).toBe(false);
    expect(climb(setup(2), 4, 1.5 * GIB)).toEqual({ ...last, exhausted: true });
    expect(climb(setup(1), 2, GIB / 2).exhausted).toBe(true);
  });

  it('changes something on every rung', () => {
    for (let failures = 1; failures < 10; failures += 1) {
      const [before, after] = [climb(setup(64), failures - 1, 16 * GIB), climb(setup(64), failures, 16 * GIB)];
      expect({ ...after, change: '' }).not.toEqual({ ...before, change: '' });
    }
  });

  it('takes the largest micro-batch that divides the global batch', () => {
    expect(withMicroBatch({ microBatch: 12, accumulate: 1, recompute: false }, 5)).toEqual({
      microBatch: 4,
      accumulate: 3,
      recompute: false,
    });
  });
});
