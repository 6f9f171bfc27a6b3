import { CancelledFailure, Context } from '@temporalio/activity';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { JobSpec } from '../artifacts/job-spec.ts';
import { BadFile } from '../artifacts/read-json.ts';
import type { StageFolder, StageHistory } from '../artifacts/stage-folder.ts';
import type { StageResult } from '../artifacts/stage-result.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import { digestOf } from '../experiment/canonical-json.ts';
import type { Execution } from '../experiment/sweep.ts';
import type { TrainStageInput } from '../experiment/sweep-control.ts';
import type { AttemptEnd } from '../recovery/classify.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { ActivityParts } from './activity-parts.ts';
import { AttemptLog } from './attempt-log.ts';
import type { AttemptReport } from './attempt-report.ts';
import { collectStage } from './collect-stage.ts';
import { DAMAGED_FILE, decideNext } from './decide-next.ts';
import { launchJob, prepareAttempt } from './launch-job.ts';
import { StageBeat } from './stage-beat.ts';
import { stopJob } from './stop-job.ts';
import { watchJob } from './watch-job.ts';

/**
 * One attempt of a stage from launch to result: launchJob, watchJob and collectStage in one activity, because each further activity costs a stage five events
 * and a third of its overhead (docs/decisions/one-activity-an-attempt.md). Every step reads where it stands from the store, so a try that was cut off at any
 * point is repeated by the next, which adopts the job.
 *
 * Only a cancellation that the workflow asked for stops the job; a worker that shuts down, a pause or reset of the activity, a timeout, and a workflow that is
 * gone leave it running.
 */
export function makeRunAttempt(parts: ActivityParts) {
  return async function runAttempt(input: TrainStageInput): Promise<AttemptReport> {
    const stage = parts.store.stage(input.key);
    const beat = new StageBeat(Context.current(), (said) => parts.news?.seen(input.key, said));
    const log = new AttemptLog(parts.plans, input);
    let report: AttemptReport | undefined;
    try {
      report = await attemptOf(parts, stage, input, beat, log).catch((error) => {
        if (!(error instanceof BadFile)) throw error;
        return damagedReport(stage, error);
      });
      await log.ended(report);
      return report;
    } finally {
      beat.end();
      parts.news?.over(input.key, report);
    }
  };
}

async function attemptOf(
  parts: ActivityParts,
  stage: StageFolder,
  input: TrainStageInput,
  beat: StageBeat,
  log: AttemptLog,
): Promise<AttemptReport> {
  const [history, execution] = await Promise.all([
    stage.history(),
    new SweepFolder(parts.store, input.sweepId).execution(),
  ]);
  if (history.result !== undefined) return doneReport(history.result, await closeFinished(parts, history, input));
  const prepared = await prepareAttempt(parts, stage, input, execution, history, beat);
  if (prepared.kind === 'park') return parkReport(prepared.decision, history.evidence.at(-1), false);
  const { attempt, job, isNew } = prepared;
  if (isNew) parts.news?.launches(input.key, attempt.number);
  const launched = prepared.end === undefined && isOurs(job, input);
  const end = prepared.end ?? (await launchJob(parts, job, beat));
  if (isNew && end === undefined) await log.launched(job);
  const ended = end ?? (await watchUntilEnd(parts, attempt, job, input, execution, beat));
  beat.now({ attempt: attempt.number, state: 'collecting', job: job.name });
  const { evidence, result } = await collectStage(parts, attempt, job, ended);
  if (result !== undefined) return doneReport(result, launched);
  const next = decideNext(parts, execution, await stage.spec(), await stage.history());
  const { sentence, checkpointStep, reachedStep } = evidence;
  if (next.kind === 'park') return parkReport(next, evidence, launched);
  return {
    next: 'relaunch',
    attempt: attempt.number,
    launched,
    afterMs: next.backoffMs,
    class: evidence.failure ?? evidence.outcome,
    rule: evidence.rule,
    sentence,
    decision: next.reason,
    checkpointStep,
    reachedStep,
  };
}

/** Watches; when the workflow asked for a cancellation, stops the job, keeps its evidence and rethrows. */
async function watchUntilEnd(
  parts: ActivityParts,
  attempt: AttemptFolder,
  job: JobSpec,
  input: TrainStageInput,
  execution: Execution,
  beat: StageBeat,
): Promise<AttemptEnd> {
  try {
    return await watchJob(parts, attempt, job, input, execution, beat);
  } catch (error) {
    if (error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested === true) {
      const stop = { by: 'cancel', why: 'the workflow of the stage was asked to stop', charge: 'none' } as const;
      const end = await stopJob(parts, attempt, job, stop, beat);
      await collectStage(parts, attempt, job, end);
    }
    throw error;
  }
}

/**
 * True when this sweep asked for the job: each attempt is reported when it ends, once, so an attempt that was found under way (its watcher died) counts here,
 * and one that was adopted from another sweep does not.
 */
function isOurs(job: JobSpec, input: TrainStageInput): boolean {
  return job.annotations.sweep === input.sweepId;
}

/** A worker that died between result.json and evidence.json left the attempt open: it is closed, when its job is gone. True when its job is counted now. */
async function closeFinished(parts: ActivityParts, history: StageHistory, input: TrainStageInput): Promise<boolean> {
  const job = await history.open?.job();
  if (history.open === undefined || job === undefined) return false;
  const { state } = await parts.launcher.observe(job);
  if (state !== 'ended' && state !== 'lost') return false;
  await collectStage(
    parts,
    history.open,
    job,
    state === 'ended' ? { kind: 'ended' } : { kind: 'lost', reason: 'gone' },
  );
  return isOurs(job, input);
}

/** A file of the stage that cannot be read stays so until a person mends it: trying again and again would keep the sweep open for ever. A job that runs goes on, and is adopted. */
async function damagedReport(stage: StageFolder, error: BadFile): Promise<AttemptReport> {
  const attempt = (await stage.attempts()).at(-1) ?? 0;
  return parkReport({ attempt, failure: 'data', rule: DAMAGED_FILE, sentence: error.message }, undefined, false);
}

function doneReport(result: StageResult, launched: boolean): AttemptReport {
  const { attempt, steps } = result;
  return { next: 'done', attempt, launched, steps, resultDigest: digestOf(result) };
}

function parkReport(
  decision: { readonly attempt: number; readonly failure: string; readonly rule: string; readonly sentence: string },
  last: Pick<Evidence, 'checkpointStep' | 'reachedStep'> | undefined,
  launched: boolean,
): AttemptReport {
  const { attempt, failure, rule, sentence } = decision;
  const { checkpointStep = 0, reachedStep = 0 } = last ?? {};
  const steps = { checkpointStep, reachedStep };
  return { next: 'park', attempt, launched, class: failure, rule, sentence, decision: 'parked', ...steps };
}
