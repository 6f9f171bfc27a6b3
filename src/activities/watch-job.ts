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
    if (seen === undefined) {
      beat.now({
        ...beat.last,
        attempt: job.attempt,
        state: 'unreachable',
        reason: 'the launcher cannot see the job; it runs on',
        job: job.name,
      });
      await context.sleep(pauseMs);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      continue;
    }
    pauseMs = 250;
    if (seen.state === 'ended') return { kind: 'ended' };
    if (seen.state === 'lost') return { kind: 'lost', reason: seen.reason };
    const progress = await (seen.state === 'running' ? reader.read() : reader.inherited());
    beat.now({ ...heartbeatOf(job, seen), ...progress });
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
        const why = `${reader.writers.length} pods of this attempt were taken away without progress`;
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

/** How long a job has waited, without a break, for what only a person can bring. Unreachable time counts: nothing else was seen since. */
class StartLimit {
  readonly #limits: ActivityParts['startLimitMs'];
  #kind: 'image' | 'unschedulable' | undefined;
  #since = 0;

  constructor(limits: ActivityParts['startLimitMs']) {
    this.#limits = limits;
  }

  /** Why the job is to be stopped; undefined while it may wait. */
  passed(seen: JobObservation): Omit<StopRequest, 'time'> | undefined {
    const kind = seen.state === 'starting' ? seen.kind : undefined;
    if (kind !== this.#kind) this.#since = performance.now();
    this.#kind = kind;
    if (this.#limits === undefined || kind === undefined || seen.state !== 'starting') return undefined;
    const waitedMs = performance.now() - this.#since;
    if (waitedMs <= this.#limits[kind]) return undefined;
    const why = `waited ${Math.round(waitedMs / 1_000)} s without a start: ${seen.reason}`;
    return { by: 'start limit', why, charge: 'class', failure: kind };
  }
}

function heartbeatOf(
  job: JobSpec,
  seen: JobObservation & { state: 'queued' | 'starting' | 'running' },
): StageHeartbeat {
  const { name, attempt } = job;
  const common = { attempt, state: seen.state, job: name };
  return seen.state === 'running' ? common : { ...common, reason: seen.reason };
}

async function observe(parts: ActivityParts, job: JobSpec): Promise<JobObservation | undefined> {
  try {
    return await parts.launcher.observe(job);
  } catch (error) {
    if (error instanceof LauncherUnreachable) return undefined;
    throw error;
  }
}

function ignoreUnreachable(error: unknown): void {
  if (!(error instanceof LauncherUnreachable)) throw error;
}
