import { describe, expect, it } from 'vitest';
import { interleavedArms } from '../../src/statistics/interleaved.ts';
import { plantedPlan } from '../../src/statistics/planted-tables.ts';
import { measureRun } from '../../src/statistics/run-measures.ts';
import { runScoresOf } from '../../src/statistics/run-scores.ts';
import type { RunRow, ScoreRow } from '../../src/statistics/score-row.ts';

/** Two rounds; every unsafe item has the probabilities given per anchor, the others stay at .5. */
function setup(seed: number, unsafe: Record<string, number>) {
  const run: RunRow = {
    run: `m.interleaved.s${seed}`,
    arm: 'interleaved',
    model: 'm',
    family: 'gpt2',
    parameters: 2000,
    scaleParameters: 1000,
    seed,
    sessions: [1, 2, 3, 4].map((index) => ({
      index,
      kind: index % 2 === 1 ? 'finetune' : 'review',
      stage: `stage-${index}`,
      lastStep: 100,
      stoppedBy: 'step-limit',
    })),
  };
  const rows = Object.entries(unsafe).flatMap(([anchor, probability]) => {
    const [session, step] = anchor.split(':').map(Number) as [number, number];
    return (['unsafe', 'safe', 'task'] as const).map(
      (name): ScoreRow => ({
        run: run.run,
        session,
        step,
        example: `${name}-0`,
        class: name,
        notion: 'planted',
        cluster: name,
        tokens: 2,
        sumLogProb: 2 * Math.log(name === 'unsafe' ? probability : 0.5),
        rouge1: 0.5,
        exactMatch: false,
      }),
    );
  });
  return measureRun(runScoresOf(run, rows), plantedPlan(1));
}

const FIRST = {
  '1:0': 0.1,
  '1:50': 0.3,
  '1:100': 0.8,
  '2:100': 0.2,
  '3:0': 0.2,
  '3:50': 0.6,
  '3:100': 0.9,
  '4:100': 0.3,
};

describe('interleaved rounds', () => {
  const [arm] = interleavedArms([setup(1, FIRST), setup(2, { ...FIRST, '3:100': 0.7, '1:100': 0.6 })]);
  const unsafe = arm?.classes.find(({ class: name }) => name === 'unsafe');

  it('measure end, peak and residual of each round', () => {
    expect(
      unsafe?.rounds.map(({ round, end, peak, residual }) =>
        [round, end.mean, peak.mean, residual?.mean].map((v) => Number(v?.toFixed(9))),
      ),
    ).toEqual([
      [1, 0.7, 0.7, 0.2],
      [2, 0.8, 0.8, 0.3],
    ]);
  });

  it('measure steps to half of the maximum between anchors, and savings against round 1', () => {
    // Seed 1: half of .8 lies between steps 50 (.3) and 100 (.8): 60; half of .9 between 0 (.2) and 50 (.6): 31.25.
    // Seed 2: half of .6 is reached at 50; half of .7 between 0 (.2) and 50 (.6): 18.75.
    expect(unsafe?.rounds[0]?.stepsToHalf?.mean).toBeCloseTo((60 + 50) / 2, 9);
    expect(unsafe?.rounds[1]?.stepsToHalf?.mean).toBeCloseTo((31.25 + 18.75) / 2, 9);
    expect(unsafe?.rounds[0]?.savings).toBeNull();
    expect(unsafe?.rounds[1]?.savings?.mean).toBeCloseTo((1 - 31.25 / 60 + (1 - 18.75 / 50)) / 2, 9);
  });

  it('measure what a review takes away in nats per token', () => {
    expect(unsafe?.rounds[0]?.natsLost?.mean).toBeCloseTo((Math.log(0.8 / 0.2) + Math.log(0.6 / 0.2)) / 2, 9);
    expect(arm?.classes[1]?.rounds[0]?.natsLost?.mean).toBeCloseTo(0, 12);
  });

  it('test the slope of the end score over rounds on the runs', () => {
    expect(unsafe?.endSlope?.mean).toBeCloseTo(0.1, 9);
    expect(unsafe?.endSlope?.runs).toBe(2);
    expect(unsafe?.endSlope?.p).toBeLessThan(1e-6);
  });

  it('lay the sessions one after the other', () => {
    const course = arm?.course.find(({ class: name }) => name === 'unsafe')?.points ?? [];
    expect(course.map(({ at }) => at)).toEqual([0, 50, 100, 200, 200, 250, 300, 400]);
  });

  it('are not measured on an arm with one finetune session', () => {
    expect(interleavedArms([setup(1, { '1:100': 0.9, '2:100': 0.2 })])).toEqual([]);
  });
});
