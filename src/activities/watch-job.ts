import { Context } from '@temporalio/activity';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { JobSpec } from '../artifacts/job-spec.ts';
import type { StopRequest } from '../artifacts/stop-request.ts';
import type { Execution } from '../experiment/sweep.ts';
import type { TrainStageInput } from '../experiment/sweep-control.ts';
import { type JobObservation, LauncherUnreachable } from '../jobs/job-launcher.ts';
import type { AttemptEnd } from '../recovery/classify.ts';
import { preemptionsUsedUp } from '../recovery/ledger.ts';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';
import type { ActivityParts } from './activity-parts.ts';
import { budgetsOf } from './decide-next.ts';
import { ProgressReader } from './progress-reader.ts';
import type { StageBeat } from './stage-beat.ts';
import { stopJob } from './stop-job.ts';

/** An outage is asked about in growing steps up to this. */
const LONGEST_PAUSE_MS = 5_000;
/** Of a platform's words in a heartbeat. */
const LONGEST_REASON = 300;

/**
 * Looks at the job until it is over, heartbeating what it sees. Stops it itself for three reasons only, each charged to its class: no step within the stall
 * limit, more preemptions inside the attempt than the budget has, and a wait for an image or a place that does not exist. Rejects with CancelledFailure when the
 * activity is cancelled, the job untouched.
 */
export async function watchJob(
  parts: ActivityParts,
  attempt: AttemptFolder,
  job: JobSpec,
  input: TrainStageInput,
  execution: Execution,
  beat: StageBeat,
): Promise<AttemptEnd> {
  const context = Context.current();
  const stallMs = execution.stallSeconds === undefined ? parts.stallMs : execution.stallSeconds * 1_000;
  const reader = new ProgressReader(attempt);
  let announced = input.announceCheckpointTo === undefined;
  let pauseMs = 250;
  const start = new StartLimit(parts.startLimitMs);
  for (;;) {
    if (context.cancellationSignal.aborted) await context.cancelled;
    const seen = await observe(parts, job);
    if (seen instanceof LauncherUnreachable) {
      start.unseen();
      const reason = `the job cannot be seen, and runs on: ${seen.message.slice(0, LONGEST_REASON)}`;
      beat.now({ ...beat.last, attempt: job.attempt, state: 'unreachable', reason, job: job.name });
      await context.sleep(pauseMs);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      continue;
    }
    pauseMs = 250;
    if (seen.state === 'ended') return { kind: 'ended' };
    if (seen.state === 'lost') return { kind: 'lost', reason: seen.reason };
    const progress = await (seen.state === 'running' ? reader.read() : reader.inherited());
    beat.now({ ...heartbeatOf(job, seen, reader.writers.length), ...progress });
    const never = start.passed(seen);
    if (never !== undefined) return stopJob(parts, attempt, job, never, beat);
    if (!announced && input.announceCheckpointTo !== undefined && (progress.checkpoint ?? 0) > 0) {
      await parts.workflows.announceCheckpoint(input.announceCheckpointTo, input.number);
      announced = true;
    }
    if (seen.state !== 'running') reader.restart();
    else if (reader.quietMs() > stallMs) {
      const why = `no step for ${Math.round(reader.quietMs() / 1_000)} s, the limit is ${Math.round(stallMs / 1_000)} s`;
      return stopJob(parts, attempt, job, { by: 'stall limit', why, charge: 'class', failure: 'stuck' }, beat);
    }
    if (reader.writers.length > 1) {
      const { evidence, overrides } = await attempt.stage.history();
      if (preemptionsUsedUp(evidence, overrides, reader.writers, budgetsOf(execution.retries))) {
        const why = `pods of this attempt were taken away without progress, ${reader.writers.length} began so far`;
        return stopJob(
          parts,
          attempt,
          job,
          { by: 'preemption budget', why, charge: 'class', failure: 'preempted' },
          beat,
        );
      }
    }
    await parts.launcher.waitForChange(job, parts.watchMs, context.cancellationSignal).catch(ignoreUnreachable);
  }
}

/** How long a job was seen to wait, without a break, for what only a person can bring. Time in which it could not be seen counts for nothing. */
class StartLimit {
  readonly #limits: ActivityParts['startLimitMs'];
  #kind: 'image' | 'unschedulable' | undefined;
  #waitedMs = 0;
  #lastSeen: number | undefined;

  constructor(limits: ActivityParts['startLimitMs']) {
    this.#limits = limits;
  }

  /** Why the job is to be stopped; undefined while it may wait. */
  passed(seen: JobObservation): Omit<StopRequest, 'time'> | undefined {
    const kind = seen.state === 'starting' ? seen.kind : undefined;
    const now = performance.now();
    this.#waitedMs = kind === this.#kind ? this.#waitedMs + now - (this.#lastSeen ?? now) : 0;
    this.#lastSeen = now;
    this.#kind = kind;
    if (this.#limits === undefined || kind === undefined || seen.state !== 'starting') return undefined;
    if (this.#waitedMs <= this.#limits[kind]) return undefined;
    const why = `waited ${Math.round(this.#waitedMs / 1_000)} s without a start: ${seen.reason}`;
    return { by: 'start limit', why, charge: 'class', failure: kind };
  }

  /** The platform does not answer: it may not place anything either. */
  unseen(): void {
    this.#lastSeen = undefined;
  }
}

/** `writers`: pods of this attempt that began to write; those before the last were taken away. */
function heartbeatOf(
  job: JobSpec,
  seen: JobObservation & { state: 'queued' | 'starting' | 'running' },
  writers: number,
): StageHeartbeat {
  const { name, attempt } = job;
  const common = { attempt, state: seen.state, job: name };
  if (seen.state !== 'running') return { ...common, reason: seen.reason };
  const taken = writers > 1 ? [`${writers - 1} of its pods taken away before this one`] : [];
  const reason = [...(seen.leaving === undefined ? [] : [seen.leaving]), ...taken].join('; ');
  return { ...common, where: seen.where, ...(reason !== '' && { reason }) };
}

async function observe(parts: ActivityParts, job: JobSpec): Promise<JobObservation | LauncherUnreachable> {
  try {
    return await parts.launcher.observe(job);
  } catch (error) {
    if (error instanceof LauncherUnreachable) return error;
    throw error;
  }
}

function ignoreUnreachable(error: unknown): void {
  if (!(error instanceof LauncherUnreachable)) throw error;
}
