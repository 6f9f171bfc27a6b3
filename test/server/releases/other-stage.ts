import { sleep } from '@temporalio/workflow';
import type { TrainStageInput, TrainStageOutcome } from '../../../src/experiment/sweep-control.ts';
import { trainStage as thisRelease } from '../../../src/workflows/train-stage.ts';

export { scaleSweep } from '../../../src/workflows/scale-sweep.ts';

/** A release whose stages do something first that this one's do not: histories of this one cannot be replayed by it. */
export async function trainStage(input: TrainStageInput): Promise<TrainStageOutcome> {
  await sleep(1);
  return thisRelease(input);
}
