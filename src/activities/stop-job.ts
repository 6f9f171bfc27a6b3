import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { JobSpec } from '../artifacts/job-spec.ts';
import type { StopRequest } from '../artifacts/stop-request.ts';
import type { AttemptEnd } from '../recovery/classify.ts';
import type { ActivityParts } from './activity-parts.ts';
import type { StageBeat } from './stage-beat.ts';

/** Publishes why, asks the job for a checkpoint, and returns when it is gone. The beat goes on meanwhile, though the activity is cancelled. */
export async function stopJob(
  parts: ActivityParts,
  attempt: AttemptFolder,
  job: JobSpec,
  stop: Omit<StopRequest, 'time'>,
  beat: StageBeat,
): Promise<AttemptEnd> {
  beat.now({ ...beat.last, attempt: job.attempt, state: 'stopping', reason: stop.why, job: job.name });
  await attempt.publishStop({ ...stop, time: new Date().toISOString() });
  await parts.launcher.cancel(job, parts.stopGraceMs);
  return { kind: 'ended' };
}
