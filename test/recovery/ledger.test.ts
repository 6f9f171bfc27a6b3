import { describe, expect, it } from 'vitest';
import { FAILURE_CLASSES, type FailureClass } from '../../src/experiment/failure-classes.ts';
import { DEFAULT_BUDGETS } from '../../src/recovery/budgets.ts';
import type { Evidence, StageOverride } from '../../src/recovery/evidence.ts';
import { decide, type LedgerInput, preemptionsUsedUp } from '../../src/recovery/ledger.ts';

const GIB = 2 ** 30;

function failure(attempt: number, failed: FailureClass, checkpointStep = 0): Evidence {
  return {
    attempt,
    outcome: 'failed',
    failure: failed,
    rule: 'by rule',
    sentence: `${failed} in attempt ${attempt}`,
    checkpointStep,
    reachedStep: checkpointStep,
    writers: [{ name: `w${attempt}`, checkpointStep }],
    logTail: [],
    events: [],
    endedAt: '2026-01-01T00:00:00Z',
  };
}

function failures(failed: FailureClass, count: number): Evidence[] {
  return Array.from({ length: count }, (_, index) => failure(index + 1, failed));
}

function input(evidence: readonly Evidence[], overrides: readonly StageOverride[] = []): LedgerInput {
  return {
    evidence,
    overrides,
    setup: {
      flags: { microBatch: 64, accumulate: 1, recompute: false },
      resources: { cores: 1, memoryBytes: GIB, gpus: 0 },
    },
    memoryLimit: 16 * GIB,
  };
}

function said(sequence: number, more: Partial<StageOverride>): StageOverride {
  return { sequence, by: 'a person', at: '2026-01-01T00:00:00Z', ...more };
}

describe('the ledger', () => {
  it('launches the first attempt as it was asked for', () => {
    expect(decide(input([]))).toEqual({
      kind: 'launch',
      attempt: 1,
      flags: { microBatch: 64, accumulate: 1, recompute: false },
      resources: { cores: 1, memoryBytes: GIB, gpus: 0 },
      backoffMs: 0,
      reason: 'first attempt',
      avoidLastNode: false,
    });
  });

  it.each(FAILURE_CLASSES)(
    'forgives %s as often as its budget says, and then parks with class, rule and sentence',
    (failed) => {
      const { retries } = DEFAULT_BUDGETS[failed];
      for (let count = 1; count <= retries; count += 1) {
        expect(decide(input(failures(failed, count)))).toMatchObject({ kind: 'launch', attempt: count + 1 });
      }
      expect(decide(input(failures(failed, retries + 1)))).toMatchObject({
        kind: 'park',
        attempt: retries + 1,
        failure: failed,
        rule: expect.stringContaining('by rule'),
        sentence: `${failed} in attempt ${retries + 1}`,
        failures: retries + 1,
        retries,
      });
    },
  );

  it('starts counting again when a checkpoint passes the highest ever reached', () => {
    const evidence = [
      ...failures('crash', 3),
      failure(4, 'crash', 100),
      failure(5, 'crash', 100),
      failure(6, 'crash', 100),
    ];
    expect(decide(input(evidence))).toMatchObject({ kind: 'launch', attempt: 7 });
    expect(decide(input([...evidence, failure(7, 'crash', 100)]))).toMatchObject({ kind: 'park', failures: 4 });
  });

  it('does not take a checkpoint below the highest for progress', () => {
    const evidence = [
      failure(1, 'crash', 500),
      failure(2, 'crash', 100),
      failure(3, 'crash', 200),
      failure(4, 'crash', 300),
    ];
    expect(decide(input(evidence))).toMatchObject({ kind: 'park', failures: 4 });
  });

  it('goes on with a stage that a person re-opened, with fresh counters', () => {
    const overrides = [said(1, { reopenedAfterAttempt: 4 })];
    expect(decide(input(failures('crash', 4), overrides))).toMatchObject({
      kind: 'launch',
      attempt: 5,
      reason: 're-opened after attempt 4',
    });
    expect(decide(input(failures('crash', 7), overrides))).toMatchObject({ kind: 'launch', attempt: 8 });
    expect(decide(input(failures('crash', 8), overrides))).toMatchObject({ kind: 'park', failures: 4 });
  });

  it('does not forget the highest checkpoint when a stage is re-opened', () => {
    const evidence = [failure(1, 'config', 500), failure(2, 'crash', 400), failure(3, 'crash', 450)];
    const next = decide(input(evidence, [said(1, { reopenedAfterAttempt: 1 })]));
    expect(next).toMatchObject({ kind: 'launch', reason: expect.stringContaining('crash, 2 of 3 without progress') });
  });

  it('relaunches what we stopped ourselves at once and charges nothing', () => {
    const stopped = Array.from({ length: 50 }, (_, index) => ({
      ...failure(index + 1, 'crash'),
      outcome: 'stopped' as const,
    }));
    expect(decide(input(stopped))).toMatchObject({ kind: 'launch', attempt: 51, backoffMs: 0 });
  });

  it('waits longer from failure to failure, up to a limit', () => {
    const backoffs = [1, 2, 3, 4, 5].map((count) => {
      const next = decide(input(failures('io', count)));
      return next.kind === 'launch' ? next.backoffMs : undefined;
    });
    expect(backoffs).toEqual([5_000, 20_000, 80_000, 320_000, 600_000]);
  });

  it('asks for another node after a device failed', () => {
    expect(decide(input(failures('device', 1)))).toMatchObject({ kind: 'launch', avoidLastNode: true });
    expect(decide(input(failures('crash', 1)))).toMatchObject({ avoidLastNode: false });
  });

  it('climbs the memory ladder and says what it changed', () => {
    expect(decide(input(failures('out-of-memory', 1)))).toMatchObject({
      flags: { microBatch: 32, accumulate: 2, recompute: false },
      reason: expect.stringContaining('micro-batch 64 → 32, accumulation 1 → 2'),
    });
  });

  it('does not climb down on progress or after a failure of another kind', () => {
    const evidence = [failure(1, 'out-of-memory'), failure(2, 'preempted', 100), failure(3, 'crash', 100)];
    expect(decide(input(evidence))).toMatchObject({ kind: 'launch', flags: { microBatch: 32, accumulate: 2 } });
  });

  it('parks when no rung of the ladder is left, whatever the budget', () => {
    const full = { ...input(failures('out-of-memory', 2)), memoryLimit: GIB };
    const small = { ...full, setup: { ...full.setup, flags: { microBatch: 1, accumulate: 64, recompute: false } } };
    expect(decide(small)).toMatchObject({
      kind: 'park',
      failure: 'out-of-memory',
      rule: expect.stringContaining('no rung'),
    });
  });

  it('goes on from the last rung, not from the first, when a person re-opens a stage that has none left', () => {
    const full = { ...input(failures('out-of-memory', 4), [said(1, { reopenedAfterAttempt: 4 })]), memoryLimit: GIB };
    const small = { ...full, setup: { ...full.setup, flags: { microBatch: 2, accumulate: 32, recompute: false } } };
    expect(decide(small)).toMatchObject({
      kind: 'launch',
      attempt: 5,
      flags: { microBatch: 1, accumulate: 64, recompute: true },
    });
    const again = { ...small, evidence: failures('out-of-memory', 5) };
    expect(decide(again)).toMatchObject({ kind: 'park', rule: expect.stringContaining('no rung') });
  });

  it('starts the ladder again from the micro-batch that a person chose', () => {
    const overrides = [said(1, { reopenedAfterAttempt: 4, microBatch: 8, resources: { memoryBytes: 4 * GIB } })];
    expect(decide(input(failures('out-of-memory', 4), overrides))).toMatchObject({
      flags: { microBatch: 8, accumulate: 8, recompute: false },
      resources: { cores: 1, memoryBytes: 4 * GIB, gpus: 0 },
    });
    expect(decide(input(failures('out-of-memory', 5), overrides))).toMatchObject({
      flags: { microBatch: 4, accumulate: 16 },
    });
  });

  it('takes the budget that a person set last', () => {
    const overrides = [said(2, { retries: { config: 1 } }), said(1, { retries: { config: 7 } })];
    expect(decide(input(failures('config', 1), overrides)).kind).toBe('launch');
    expect(decide(input(failures('config', 2), overrides))).toMatchObject({ kind: 'park', retries: 1 });
  });
});

describe('preemptions inside an attempt', () => {
  const writers = (count: number, checkpointStep: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => ({ name: `pod-${index}`, checkpointStep: checkpointStep(index) }));

  it('count one for each writer after the first that made no progress', () => {
    expect(
      preemptionsUsedUp(
        [],
        [],
        writers(21, () => 0),
      ),
    ).toBe(false);
    expect(
      preemptionsUsedUp(
        [],
        [],
        writers(22, () => 0),
      ),
    ).toBe(true);
  });

  it('do not count for writers that made progress', () => {
    expect(
      preemptionsUsedUp(
        [],
        [],
        writers(100, (index) => index),
      ),
    ).toBe(false);
  });

  it('go on where earlier attempts ended', () => {
    expect(
      preemptionsUsedUp(
        failures('preempted', 20),
        [],
        writers(1, () => 0),
      ),
    ).toBe(false);
    expect(
      preemptionsUsedUp(
        failures('preempted', 20),
        [],
        writers(2, () => 0),
      ),
    ).toBe(true);
    expect(
      preemptionsUsedUp(
        failures('preempted', 20),
        [said(1, { reopenedAfterAttempt: 20 })],
        writers(2, () => 0),
      ),
    ).toBe(false);
  });

  it('are charged when the attempt is over, so that the next attempt does not start afresh', () => {
    const over: Evidence = { ...failure(1, 'crash'), writers: writers(21, () => 0) };
    expect(
      preemptionsUsedUp(
        [over],
        [],
        writers(2, () => 0),
      ),
    ).toBe(true);
  });
});
