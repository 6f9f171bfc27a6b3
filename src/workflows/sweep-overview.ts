import type { ParkedStage, RunState, SweepOverview } from '../experiment/sweep-control.ts';
import { type Held, isHeld } from './breaker.ts';
import type { StageBoard } from './stage-board.ts';

export function overviewOf(
  sweepId: string,
  board: StageBoard | undefined,
  held: Held,
  told: Pick<SweepOverview, 'phase' | 'jobsStarted' | 'jobsReused'>,
): SweepOverview {
  if (board === undefined) {
    return { ...told, stages: 0, done: 0, running: [], waiting: 0, blocked: 0, parked: [], held: [] };
  }
  const label = (number: number) => board.stage(number).label;
  return {
    ...told,
    stages: board.stages.length,
    done: board.count('done'),
    running: [...board.running, ...board.elsewhere].map(label),
    waiting: board.count('waiting'),
    blocked: board.blocked,
    parked: parkedStages(sweepId, board),
    held: heldStages(board, held).map(label),
  };
}

/** Parked stages with what to type. */
export function parkedStages(sweepId: string, board: StageBoard): ParkedStage[] {
  return board.parked.map(([{ number, label }, reason]) => {
    return { number, label, ...reason, command: `lethe retry ${sweepId}/${label}` };
  });
}

/** The stages that would run if the breaker let them, in the words of a parked stage, so that a sweep held by it settles and a script never hangs. */
export function heldAsParked(sweepId: string, board: StageBoard, held: Held): ParkedStage[] {
  const rule = 'stages of this model failed alike too often';
  return heldStages(board, held).map((number) => {
    const { label } = board.stage(number);
    return { number, label, class: 'held by breaker', rule, attempt: 0, command: `lethe resume ${sweepId}` };
  });
}

function heldStages(board: StageBoard, held: Held): number[] {
  return held.models.size === 0 ? [] : board.ready.filter((number) => isHeld(held, board.stage(number)));
}

/** The overview with its runs counted: costs the size of the plan, so it is for who asks and not for every change. */
export function withRuns(overview: SweepOverview, board: StageBoard | undefined, held: Held): SweepOverview {
  return board === undefined ? overview : { ...overview, runs: runsByState(board, held) };
}

function runsByState(board: StageBoard, held: Held): Record<RunState, number> {
  const counts: Record<RunState, number> = { done: 0, running: 0, waiting: 0, parked: 0, held: 0 };
  for (const run of board.runs) {
    const open = run.stages.find((number) => board.state(number) !== 'done');
    const state = open === undefined ? 'done' : board.state(open);
    if (state === 'elsewhere') counts.running += 1;
    else if (state === 'waiting' && open !== undefined && isHeld(held, board.stage(open))) counts.held += 1;
    else counts[state] += 1;
  }
  return counts;
}
