import { describe, expect, it, vi } from 'vitest';
import type { ExampleClass } from '../../src/experiment/stage-spec.ts';
import { analyseForgetting } from '../../src/statistics/analyse-forgetting.ts';
import { PhiloxStream } from '../../src/statistics/philox.ts';
import { plantedPlan } from '../../src/statistics/planted-tables.ts';
import { measureRun } from '../../src/statistics/run-measures.ts';
import { runScoresOf } from '../../src/statistics/run-scores.ts';
import type { RunRow, ScoreRow } from '../../src/statistics/score-row.ts';
import { statisticsDigest } from '../../src/statistics/statistics-digest.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Shape {
  readonly scales: number;
  readonly seeds: number;
  readonly items: number;
  readonly clusters: number;
  /** Of a class at a scale, seed, item: probability at t0 and t*. */
  readonly probabilities: (name: ExampleClass, scale: number, seed: number, item: number) => readonly [number, number];
  readonly drop?: (run: RunRow) => boolean;
}

const PLAN = { ...plantedPlan(1), bootstrapDraws: 200, simulationDraws: 2000 };

/** Analyses a sweep of the given shape; the digest throws on anything that JSON cannot hold. */
function analyse(shape: Shape) {
  const runs = Array.from({ length: shape.scales }, (_, scale) =>
    Array.from({ length: shape.seeds }, (_, i) => {
      const seed = i + 1;
      const run: RunRow = {
        ...{ run: `m${scale}.forgetting.s${seed}`, arm: 'forgetting', model: `m${scale}`, family: 'gpt2', seed },
        ...{ parameters: 10 ** (scale + 3), scaleParameters: 10 ** (scale + 2) },
        sessions: [
          { index: 0, kind: 'finetune', stage: 'a', lastStep: 10, stoppedBy: 'step-limit' },
          { index: 1, kind: 'review', stage: 'b', lastStep: 30, stoppedBy: 'step-limit' },
        ],
      };
      const rows = (['unsafe', 'safe', 'task'] as const).flatMap((name) =>
        Array.from({ length: shape.items }, (_, item) => {
          const [before, after] = shape.probabilities(name, scale, seed, item);
          return [
            { session: 0, step: 10, probability: before },
            { session: 1, step: 10, probability: after },
          ].map(
            ({ session, step, probability }): ScoreRow => ({
              ...{ run: run.run, session, step, example: `${name}-${item}`, class: name, notion: 'planted' },
              ...{ cluster: `${name}-${item % shape.clusters}`, tokens: 3, sumLogProb: 3 * Math.log(probability) },
              ...{ rouge1: probability >= 0.8 ? 1 : 0, exactMatch: probability >= 0.8 },
            }),
          );
        }).flat(),
      );
      return { run, rows };
    }),
  )
    .flat()
    .filter(({ run }) => !(shape.drop?.(run) ?? false));
  const analysis = analyseForgetting({
    plan: PLAN,
    planHash: null,
    runs: runs.map(({ run, rows }) => measureRun(runScoresOf(run, rows), PLAN)),
    calibration: null,
    synthetic: null,
  });
  expect(statisticsDigest(analysis)).toMatch(/^[0-9a-f]{64}$/);
  return analysis;
}

const SIZE = { scales: 4, seeds: 3, items: 6, clusters: 3 };

describe('degenerate sweeps give a verdict, never a crash', () => {
  it('runs that are all alike (no spread at all)', () => {
    const { verdict, tests } = analyse({ ...SIZE, probabilities: (name) => [0.9, name === 'unsafe' ? 0.1 : 0.9] });
    expect(tests.continuous.sigma).toBeCloseTo(0, 12);
    expect(tests.continuous.onset).toBeNull();
    expect(verdict.raw).toBe('NOT SUPPORTED');
  });

  it('nothing learned anywhere', () => {
    expect(analyse({ ...SIZE, probabilities: () => [0.1, 0.1] }).verdict.raw).toBe('UNLEARNED');
  });

  it('nothing forgotten anywhere', () => {
    expect(analyse({ ...SIZE, probabilities: () => [0.9, 0.9] }).verdict.raw).toBe('NOT SUPPORTED');
  });

  it('one example a class, one cluster', () => {
    const { arms } = analyse({
      ...SIZE,
      items: 1,
      clusters: 1,
      probabilities: (_, scale, seed) => [0.9, 0.9 - (scale + seed) / 20],
    });
    expect(arms[0]?.scales[0]?.classes[0]?.measures.continuous?.seClustered).toBeNull();
  });

  it('no run at all, and no run of the primary arm', () => {
    const nothing = analyse({ ...SIZE, drop: () => true, probabilities: () => [0.9, 0.9] });
    expect(nothing).toMatchObject({ scaleCount: 0, seedCount: 0, rows: 0 });
    expect(nothing.verdict.raw).toBe('INCONCLUSIVE');
  });

  it('a scale with one run beside scales with three, and a scale without any', () => {
    const { tests, missing } = analyse({
      ...SIZE,
      scales: 5,
      drop: ({ model, seed }) => model === 'm3' || (model === 'm1' && seed > 1),
      probabilities: (name, scale, seed, item) => [
        0.9,
        name === 'unsafe' ? 0.9 - 0.15 * scale - 0.01 * seed - 0.001 * item : 0.85,
      ],
    });
    expect(tests.continuous.cells.map(({ model, seeds }) => `${model}:${seeds}`)).toEqual([
      'm0:3',
      'm1:1',
      'm2:3',
      'm4:3',
    ]);
    expect(tests.continuous.df).toBe(6);
    // The missing scale is not known to have been planned; the missing seeds of m1 are.
    expect(missing.map(({ run }) => run)).toEqual(['m1.forgetting.s2', 'm1.forgetting.s3']);
  });

  it('random tables of every size', () => {
    const random = new PhiloxStream({ low: 5, high: 6 }, 'labels');
    for (let round = 0; round < 40; round += 1) {
      random.reset(0, round);
      const pick = (n: number): number => 1 + random.below(n);
      const share = random.uniform();
      analyse({
        scales: pick(6),
        seeds: pick(4),
        items: pick(7),
        clusters: pick(4),
        drop: () => random.uniform() < 0.15,
        probabilities: () => [
          random.uniform() < share ? 0.95 : 0.3,
          random.uniform() < 0.5 ? 0.95 : Math.max(1e-9, random.uniform()),
        ],
      });
    }
  });
});
