import { sleep } from '@temporalio/workflow';
import type { ScaleSweepInput, SweepOutcome } from '../../../src/experiment/sweep-control.ts';
import { scaleSweep as thisRelease } from '../../../src/workflows/scale-sweep.ts';

export { trainStage } from '../../../src/workflows/train-stage.ts';

/** A release whose sweeps do something first that this one's do not: histories of this one cannot be replayed by it. */
export async function scaleSweep(input: ScaleSweepInput): Promise<SweepOutcome> {
  await sleep(1);
  return thisRelease(input);
}
