import type { CheckpointCost } from '../job-launcher.ts';

export const LEAST_GRACE_SECONDS = 120;
/** The step under way ends before the checkpoint begins. */
const STEP_SECONDS = 60;
/** Of a network volume on which many write at once. */
const ASSUMED_BYTES_PER_SECOND = 100e6;
/** What took so long once may take longer beside others that stop too. */
const SPREAD = 2;

/** Seconds between SIGTERM and SIGKILL that let a trainer write its checkpoint: from its size, and from what earlier ones of the stage took. */
export function graceFor({ bytes, seconds = 0 }: CheckpointCost = { bytes: 0 }): number {
  const toWrite = Math.max(bytes / ASSUMED_BYTES_PER_SECOND, SPREAD * seconds);
  return Math.max(LEAST_GRACE_SECONDS, Math.ceil(STEP_SECONDS + toWrite));
}
