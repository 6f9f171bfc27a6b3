import type { RetrySelection } from '../experiment/sweep-control.ts';
import type { StageBoard } from './stage-board.ts';

/** Numbers of the stages that a person means. A name that the plan does not have selects nothing; the edge has checked it before. */
export function selectedStages(board: StageBoard, selection: RetrySelection): Set<number> {
  switch (selection.kind) {
    case 'failed':
      return new Set(board.parked.map(([stage]) => stage.number));
    case 'runs': {
      const runs = new Set(selection.runs);
      return new Set(board.runs.filter((run) => runs.has(run.id)).flatMap((run) => run.stages));
    }
    case 'stages': {
      const labels = new Set(selection.stages);
      return new Set(board.stages.filter((stage) => labels.has(stage.label)).map((stage) => stage.number));
    }
  }
}
