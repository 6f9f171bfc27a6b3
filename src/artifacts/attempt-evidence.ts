import { type AttemptEnd, classify } from '../recovery/classify.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { AttemptFolder } from './attempt-folder.ts';

export interface AttemptEndReport {
  readonly end: AttemptEnd;
  /** `JobLauncher.platformEvidence`. */
  readonly platform?: {
    readonly exitCode?: number;
    readonly signal?: string;
    readonly outOfMemory: boolean;
    readonly preempted: boolean;
    readonly events: readonly string[];
    readonly lastWords?: string;
    readonly node?: string;
    readonly image?: string;
  };
  /** The sentence of a `ResultRefused`. */
  readonly refused?: string;
  /** ISO 8601. */
  readonly now: string;
}

const LOG_LINES = 40;

/**
 * Everything that is known of an attempt whose job is gone, classified: the content of evidence.json, to be published by the caller (after result.json
 * when it succeeded). Reads the disk as it stands, so it needs no memory of the watch.
 */
export async function gatherEvidence(attempt: AttemptFolder, report: AttemptEndReport): Promise<Evidence> {
  const { end, platform, refused, now } = report;
  const [stop, writers, logTail, { result, evidence: earlier }] = await Promise.all([
    attempt.stop(),
    attempt.writers(),
    attempt.logTail(LOG_LINES),
    attempt.stage.history(),
  ]);
  const outcome = await attempt.outcome(writers);
  const reached = await Promise.all(
    writers.map(async (writer) => ({
      name: writer.name,
      checkpointStep: await writer.newestCheckpoint(),
      progressStep: (await writer.progress())?.step ?? 0,
    })),
  );
  const checkpoints = [...reached, ...earlier].map(({ checkpointStep }) => checkpointStep);
  const newest = reached.at(-1);
  const classification = classify({
    end,
    done: result !== undefined,
    ...(platform === undefined ? {} : { platform }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(stop === undefined ? {} : { stop }),
    ...(refused === undefined ? {} : { refused }),
  });
  const exitCode = platform?.exitCode ?? outcome?.code;
  return {
    attempt: attempt.number,
    ...classification,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(platform?.signal === undefined ? {} : { signal: platform.signal }),
    checkpointStep: Math.max(0, ...checkpoints),
    reachedStep: Math.max(outcome?.step ?? 0, newest?.progressStep ?? 0, newest?.checkpointStep ?? 0),
    writers: reached.map(({ name, checkpointStep }) => ({ name, checkpointStep })),
    logTail,
    events: platform?.events ?? [],
    ...(platform?.node === undefined ? {} : { node: platform.node }),
    ...(platform?.image === undefined ? {} : { image: platform.image }),
    endedAt: now,
  };
}
