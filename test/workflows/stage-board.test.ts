import { describe, expect, it } from 'vitest';
import type { ScheduledStage } from '../../src/activities/plan-page.ts';
import { StageBoard } from '../../src/workflows/stage-board.ts';

/** `parents` by stage; parameters fall, so that the smallest comes last in the plan. */
function board(
  parents: readonly (readonly number[])[],
  states: Readonly<Record<number, ScheduledStage['state']>> = {},
) {
  const stages = parents.map((own, number): ScheduledStage => {
    const state = states[number] ?? 'open';
    const parked = state === 'parked' ? { parked: { class: 'config', rule: 'because', attempt: 1 } } : {};
    const named = {
      key: String(number).repeat(64),
      kind: 'finetune',
      model: 'm',
      seed: 1,
      label: `s${number}`,
    } as const;
    return { ...named, number, parents: own, parameters: 100 - number, state, ...parked };
  });
  const runs = stages.map(({ number }) => ({ id: `m.a.s${number}`, arm: 'a', stages: [number] }));
  return new StageBoard(stages, runs, 'smallest-first');
}

const any = () => true;

describe('the stage board', () => {
  it('offers ready stages smallest first', () => {
    const stages = board([[], [], []]);
    expect([1, 2, 3].map(() => stages.takeReady(any)?.number)).toEqual([2, 1, 0]);
    expect(stages.takeReady(any)).toBeUndefined();
    expect(stages.running).toEqual([0, 1, 2]);
  });

  it('offers a stage when the last of its parents is done, and not before', () => {
    const stages = board([[], [], [0, 1]]);
    stages.takeReady(any);
    stages.takeReady(any);
    stages.markDone(0);
    expect(stages.hasReady(any)).toBe(false);
    stages.markDone(1);
    expect(stages.takeReady(any)?.number).toBe(2);
  });

  it('starts behind the stages that are done already', () => {
    expect(board([[], [0], [1]], { 0: 'done', 1: 'done' }).ready).toEqual([2]);
  });

  it('counts what a parked stage blocks, near and far, and lets the rest go on', () => {
    const stages = board([[], [0], [1], []], { 0: 'parked' });
    expect(stages.blocked).toBe(2);
    expect(stages.ready).toEqual([3]);
    expect(stages.parked.map(([stage]) => stage.number)).toEqual([0]);
  });

  it('offers a stage again when it was re-opened, once', () => {
    const stages = board([[], [0]], { 0: 'parked' });
    stages.markWaiting(0);
    stages.markWaiting(0);
    expect(stages.ready).toEqual([0]);
    expect(stages.parked).toEqual([]);
    expect(stages.blocked).toBe(0);
  });

  it('passes over stages that are not admitted, and keeps their place', () => {
    const stages = board([[], [], []]);
    expect(stages.takeReady(({ number }) => number === 0)?.number).toBe(0);
    expect(stages.ready).toEqual([2, 1]);
  });

  it('keeps its counts through every move', () => {
    const stages = board([[], [], []]);
    stages.takeReady(any);
    stages.markElsewhere(2);
    stages.markDone(2);
    stages.markDone(2);
    stages.takeReady(any);
    stages.markParked(1, { class: 'crash', rule: 'r', attempt: 4 });
    const counts = (['waiting', 'running', 'elsewhere', 'done', 'parked'] as const).map((state) => stages.count(state));
    expect(counts).toEqual([1, 0, 0, 1, 1]);
  });
});
