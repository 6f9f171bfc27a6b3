import { describe, expect, it } from 'vitest';
import { EXAMPLE_CLASSES, type ExampleClass } from '../../src/experiment/stage-spec.ts';
import { hierarchicalBootstrap } from '../../src/statistics/hierarchical-bootstrap.ts';
import { philoxKey } from '../../src/statistics/philox.ts';
import type { ClassItems, RunContrastMeasures } from '../../src/statistics/run-measures.ts';
import { fixture } from './fixture.ts';

interface Item {
  readonly cluster: number;
  readonly learned: boolean;
  readonly probabilityDrop: number;
  readonly rougeDrop: number;
}

const reference = fixture<{
  runs: Record<ExampleClass, Item[]>[];
  intervals: Record<string, { interval: [number, number]; errorOf2000: [number, number] }>;
}>('bootstrap.json');

function classItems(name: ExampleClass, items: readonly Item[]): ClassItems {
  return {
    class: name,
    examples: items.map((_, i) => `${name}-${i}`),
    clusters: Int32Array.from(items, ({ cluster }) => cluster),
    learned: Uint8Array.from(items, ({ learned }) => (learned ? 1 : 0)),
    probabilityDrop: Float64Array.from(items, ({ probabilityDrop }) => probabilityDrop),
    natsDrop: Float64Array.from(items, ({ probabilityDrop }) => 2 * probabilityDrop),
    rougeDrop: Float64Array.from(items, ({ rougeDrop }) => rougeDrop),
    natsGain: new Float64Array(items.length).fill(Number.NaN),
    knownBefore: Number.NaN,
  };
}

function setup(draws: number, seed = 1) {
  // The bootstrap looks at nothing of a run but its items.
  const runs = reference.runs.map(
    (run) =>
      ({
        items: Object.fromEntries(EXAMPLE_CLASSES.map((name) => [name, classItems(name, run[name])])),
      }) as unknown as RunContrastMeasures,
  );
  return hierarchicalBootstrap({ runs, phi: 0.1, draws, key: philoxKey('b'.repeat(64), seed), stream: 5 });
}

describe('hierarchical bootstrap', () => {
  it('agrees with an independent one in numpy within 3 Monte-Carlo errors', () => {
    const got = setup(2000);
    for (const [name, { interval, errorOf2000 }] of Object.entries(reference.intervals)) {
      const [part, measure] = name.split('.') as [ExampleClass | 'smaller', 'continuous' | 'binary' | 'legacy'];
      const own = part === 'smaller' ? got.contrasts[measure]?.smaller : got.classes[part][measure];
      [0, 1].forEach((end) => {
        // The reference has ten times the draws: its own error adds a tenth of the variance.
        const error = (errorOf2000[end] as number) * Math.sqrt(1.1);
        expect(Math.abs((own?.[end] ?? Number.NaN) - (interval[end] as number)), `${name} end ${end}`).toBeLessThan(
          3 * error + 1e-3,
        );
      });
    }
  });

  it('gives equal bits again, and others under another seed', () => {
    expect(setup(300)).toEqual(setup(300));
    expect(setup(300, 2)).not.toEqual(setup(300));
  });

  it('has no interval for a relative measure without anchors before the finetune session', () => {
    expect(setup(200).contrasts.relative?.smaller).toBeNull();
  });
});
