import { gatherEvidence } from '../artifacts/attempt-evidence.ts';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { JobSpec } from '../artifacts/job-spec.ts';
import { ResultRefused, resultOf } from '../artifacts/lineage.ts';
import { removableOf, remove } from '../artifacts/retention.ts';
import type { StageResult } from '../artifacts/stage-result.ts';
import { LauncherUnreachable } from '../jobs/job-launcher.ts';
import type { AttemptEnd } from '../recovery/classify.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { ActivityParts } from './activity-parts.ts';

/**
 * Closes an attempt whose job is gone. On success result.json is published before evidence.json, so that no crash between them starts a finished stage again;
 * then what nobody needs any more is removed. Files that do not make a whole result fail the attempt.
 */
export async function collectStage(
  parts: Pick<ActivityParts, 'launcher'>,
  attempt: AttemptFolder,
  job: JobSpec,
  end: AttemptEnd,
): Promise<{ readonly evidence: Evidence; readonly result: StageResult | undefined }> {
  const now = new Date().toISOString();
  const asksPlatform = end.kind === 'ended' || end.kind === 'lost';
  const platform = asksPlatform ? await parts.launcher.platformEvidence(job) : undefined;
  for (;;) {
    const { result, refused } = await resultIfDone(attempt, now);
    const report = { end, now, ...(platform && { platform }), ...(refused !== undefined && { refused }) };
    const gathered = await gatherEvidence(attempt, report);
    // A job that was given up with its node may reach its end between the two looks: its result comes first.
    if (gathered.outcome === 'succeeded' && result === undefined) continue;
    const evidence = await attempt.publishEvidence(gathered);
    await letGo(parts, attempt, job, evidence, asksPlatform);
    return { evidence, result };
  }
}

/** The stage's result, made from this attempt's files when its trainer says that it is done; or why those do not make one. */
async function resultIfDone(
  attempt: AttemptFolder,
  now: string,
): Promise<{ readonly result: StageResult | undefined; readonly refused?: string }> {
  const { stage } = attempt;
  const result = await stage.result();
  if (result !== undefined || (await attempt.outcome())?.code !== 0) return { result };
  try {
    return { result: await stage.publishResult(await resultOf(stage, attempt.number, now)) };
  } catch (error) {
    if (!(error instanceof ResultRefused)) throw error;
    return { result: undefined, refused: error.message };
  }
}

/** Gives the job back to its platform, and removes what nobody goes on from. */
async function letGo(
  parts: Pick<ActivityParts, 'launcher'>,
  { stage }: AttemptFolder,
  job: JobSpec,
  evidence: Evidence,
  asksPlatform: boolean,
): Promise<void> {
  // A platform that cannot be asked now is told later, by the launcher itself.
  if (asksPlatform) await parts.launcher.release?.(job).catch(ignoreUnreachable);
  // Without a checkpoint there is nothing to remove, and looking for it costs a short stage more than all else here.
  const left = evidence.attempt > 1 || evidence.writers.some(({ checkpointStep }) => checkpointStep > 0);
  if (left) await remove(await removableOf(stage));
}

function ignoreUnreachable(error: unknown): void {
  if (!(error instanceof LauncherUnreachable)) throw error;
}
