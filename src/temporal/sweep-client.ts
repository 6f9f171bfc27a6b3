import {
  ApplicationFailure,
  type Client,
  TerminatedFailure,
  WithStartWorkflowOperation,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CancelledFailure, rootCause, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import {
  DEFAULT_SCHEDULE,
  MESSAGES,
  type PauseAnswer,
  type PauseRequest,
  type ResumeRequest,
  type RetryAnswer,
  type RetryRequest,
  type ScaleSweepInput,
  SETTLED,
  type SweepOutcome,
  type SweepOverview,
  type SweepSchedule,
} from '../experiment/sweep-control.ts';
import { sweepWorkflowId } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';
import { sweepStartOptions } from './start-options.ts';

/** Which sweep is meant, and how it is scheduled when a message has to start it again. */
export interface SweepReference {
  readonly storeId: string;
  /** `<name>~<plan12>` */
  readonly sweepId: string;
  readonly planHash: string;
  readonly schedule?: Partial<SweepSchedule>;
}

/** `completed` = whole; `settled` = ended with parked stages; `failed` = an error of Lethe itself (message in `reason`). */
export type SweepEnd =
  | { readonly status: 'completed' | 'settled'; readonly outcome: SweepOutcome }
  | { readonly status: 'cancelled' | 'terminated' | 'failed'; readonly reason: string };

export type SweepDescription =
  | { readonly status: 'absent' }
  | ({ readonly workflowId: string; readonly runId: string; readonly startedAt: Date } & (
      | { readonly status: 'running'; readonly historyLength: number }
      | { readonly status: 'ended'; readonly closedAt: Date; readonly end: SweepEnd }
    ));

/**
 * Starts the sweep unless it runs, is whole or has settled: those change only by `resumeSweep` and `retryStages`. One that was cancelled, terminated or failed by
 * an error of Lethe goes on. Idempotent: two callers start one workflow.
 */
export async function startSweep(
  lethe: Lethe,
  sweep: SweepReference,
): Promise<{ readonly how: 'started' | 'running' | 'completed' | 'settled'; readonly workflowId: string }> {
  const workflowId = sweepWorkflowId(sweep.storeId, sweep.sweepId);
  const now = await describeSweep(lethe, sweep);
  if (now.status === 'running') return { how: 'running', workflowId };
  if (now.status === 'ended' && (now.end.status === 'completed' || now.end.status === 'settled')) {
    return { how: now.end.status, workflowId };
  }
  await startAgain(lethe, sweep);
  return { how: 'started', workflowId };
}

/** Starts the sweep in whatever way it ended; finished stages cost nothing. For a store whose files are newer than the history. */
export async function startAgain(lethe: Lethe, sweep: SweepReference): Promise<void> {
  await lethe.client.workflow.start('scaleSweep', {
    ...sweepStartOptions(sweep, inputOf(sweep)),
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
  });
}

export async function describeSweep(
  lethe: Lethe,
  sweep: Pick<SweepReference, 'storeId' | 'sweepId'>,
): Promise<SweepDescription> {
  const workflowId = sweepWorkflowId(sweep.storeId, sweep.sweepId);
  try {
    const description = await lethe.client.workflow.getHandle(workflowId).describe();
    const { runId, startTime: startedAt, closeTime, historyLength } = description;
    if (description.status.name === 'RUNNING' || closeTime === undefined) {
      return { status: 'running', workflowId, runId, startedAt, historyLength };
    }
    const end = await endOf(lethe.client, workflowId, runId);
    return { status: 'ended', workflowId, runId, startedAt, closedAt: closeTime, end };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: 'absent' };
    throw error;
  }
}

/** Waits for the end of the sweep, over continue-as-new; polls by long requests, so it costs nothing. */
export function awaitSweep(lethe: Lethe, sweep: Pick<SweepReference, 'storeId' | 'sweepId'>): Promise<SweepEnd> {
  return endOf(lethe.client, sweepWorkflowId(sweep.storeId, sweep.sweepId));
}

/** Counts, parked and held stages as the workflow sees them. Needs a live worker. */
export function sweepOverview(
  lethe: Lethe,
  sweep: Pick<SweepReference, 'storeId' | 'sweepId'>,
): Promise<SweepOverview> {
  return handleOf(lethe, sweep).query<SweepOverview>(MESSAGES.overview);
}

/** Nothing new starts; with `now` the running jobs checkpoint and stop. The sweep must run (WorkflowNotFoundError otherwise). */
export function pauseSweep(
  lethe: Lethe,
  sweep: Pick<SweepReference, 'storeId' | 'sweepId'>,
  request: PauseRequest,
): Promise<PauseAnswer> {
  return handleOf(lethe, sweep).executeUpdate<PauseAnswer, [PauseRequest]>(MESSAGES.pause, { args: [request] });
}

/** Goes on: lifts a pause and the breaker, re-opens parked crash, stuck, I/O and device stages; starts the sweep again when it has ended. */
export function resumeSweep(lethe: Lethe, sweep: SweepReference, request: ResumeRequest): Promise<RetryAnswer> {
  return updateWithStart<RetryAnswer, ResumeRequest>(lethe, sweep, MESSAGES.resume, request);
}

/** Re-opens parked stages of any class, with overrides that leave key and plan as they are; starts the sweep again when it has ended. */
export function retryStages(lethe: Lethe, sweep: SweepReference, request: RetryRequest): Promise<RetryAnswer> {
  return updateWithStart<RetryAnswer, RetryRequest>(lethe, sweep, MESSAGES.retry, request);
}

/** Asks the sweep and the stages that it started to stop; stages that another sweep started go on. `awaitSweep` tells when it is done. */
export async function cancelSweep(lethe: Lethe, sweep: Pick<SweepReference, 'storeId' | 'sweepId'>): Promise<void> {
  await handleOf(lethe, sweep).cancel();
}

function handleOf(lethe: Lethe, sweep: Pick<SweepReference, 'storeId' | 'sweepId'>) {
  return lethe.client.workflow.getHandle(sweepWorkflowId(sweep.storeId, sweep.sweepId));
}

function inputOf(sweep: SweepReference): ScaleSweepInput {
  return {
    storeId: sweep.storeId,
    sweepId: sweep.sweepId,
    planHash: sweep.planHash,
    schedule: { ...DEFAULT_SCHEDULE, ...sweep.schedule },
  };
}

function updateWithStart<Answer, Request>(
  lethe: Lethe,
  sweep: SweepReference,
  message: string,
  request: Request,
): Promise<Answer> {
  return lethe.client.workflow.executeUpdateWithStart<
    (input: ScaleSweepInput) => Promise<SweepOutcome>,
    Answer,
    [Request]
  >(message, {
    args: [request],
    startWorkflowOperation: new WithStartWorkflowOperation('scaleSweep', {
      ...sweepStartOptions(sweep, inputOf(sweep)),
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    }),
  });
}

async function endOf(client: Client, workflowId: string, runId?: string): Promise<SweepEnd> {
  try {
    const outcome = (await client.workflow.getHandle(workflowId, runId).result()) as SweepOutcome;
    return { status: 'completed', outcome };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.type === SETTLED) {
      return { status: 'settled', outcome: cause.details?.[0] as SweepOutcome };
    }
    const reason = rootCause(cause) ?? error.message;
    if (cause instanceof CancelledFailure) return { status: 'cancelled', reason };
    if (cause instanceof TerminatedFailure) return { status: 'terminated', reason };
    return { status: 'failed', reason };
  }
}
