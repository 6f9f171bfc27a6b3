import type { ParkedStage, SweepOverview } from '../experiment/sweep-control.ts';
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
