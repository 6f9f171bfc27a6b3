import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import type { FreezeRequest, GarbageFound, GarbageRequest } from '../experiment/store-errands.ts';
import { errandWorkflowId, taskQueue } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';

/** Thrown when the store's worker did not do what it was asked: the message is its own. */
export class ErrandFailed extends Error {
  override readonly name = 'ErrandFailed';
  /** Of the failure, `other plan` for one. */
  readonly type: string;
  constructor(message: string, type: string, cause: unknown) {
    super(message, { cause });
    this.type = type;
  }
}

/** Has the store's worker make the plan again from its file and write it; returns once it is frozen. Idempotent. */
export function freezeSweepRemotely(lethe: Lethe, storeId: string, request: FreezeRequest): Promise<void> {
  return errand(lethe, storeId, {
    type: 'freezeSweep',
    name: `freeze~${request.sweepId}`,
    summary: `freeze ${request.sweepId}`,
    input: request,
  });
}

export function collectStoreGarbage(lethe: Lethe, storeId: string, request: GarbageRequest): Promise<GarbageFound> {
  const what = request.dryRun ? 'look for garbage' : 'collect garbage';
  return errand(lethe, storeId, {
    type: 'collectGarbage',
    name: what.replaceAll(' ', '-'),
    summary: what,
    input: request,
  });
}

/** Longest time for a worker to come and do it. */
const LIMIT = '1 hour';

async function errand<T>(
  lethe: Lethe,
  storeId: string,
  { type, name, summary, input }: { type: string; name: string; summary: string; input: object },
): Promise<T> {
  try {
    return (await lethe.client.workflow.execute(type, {
      workflowId: errandWorkflowId(storeId, name),
      taskQueue: taskQueue(storeId),
      args: [input],
      staticSummary: summary.slice(0, 180),
      workflowExecutionTimeout: LIMIT,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    })) as T;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const failure = applicationFailureIn(error);
    throw new ErrandFailed(failure?.message ?? error.message, failure?.type ?? '', error);
  }
}

function applicationFailureIn(error: Error): ApplicationFailure | undefined {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ApplicationFailure) return cause;
  return undefined;
}
