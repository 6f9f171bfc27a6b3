import { type DescribeWorkflowExecutionResponse, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter, defineSearchAttributeKey, type TypedSearchAttributes } from '@temporalio/common';
import type { StageKind } from '../experiment/stage-spec.ts';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';
import type { StageHeartbeat } from './stage-heartbeat.ts';

/** One stage that has a workflow, as `status` and `watch` show it. Stages found done or not started yet have none. */
export interface StageRow {
  readonly workflowId: string;
  readonly runId: string;
  /** `d32.finetune.s1` */
  readonly stage: string;
  readonly model: string;
  readonly runs: readonly string[];
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'other';
  /** Last decision about it (`LetheState`): started, relaunch, waiting, parked, paused. */
  readonly decision: string;
  readonly startedAt: Date;
  readonly closedAt?: Date;
  /** Of the attempt in flight; absent before its first heartbeat and once the stage has ended. */
  readonly heartbeat?: StageHeartbeat;
  /** Why the attempt's activity is being tried again (launcher unreachable, worker gone), from Temporal. */
  readonly trouble?: string;
}

/** Names a stage of a plan. */
export interface StageName {
  readonly kind: StageKind;
  readonly key: string;
}

const DESCRIBED_AT_ONCE = 16;

/**
 * The stages that this sweep started, and those of `alsoStages` that another one did. The list comes from the server's visibility store, which can be a moment late;
 * the running ones are described one by one, because heartbeats live there.
 */
export async function listStages(
  lethe: Lethe,
  sweep: { readonly storeId: string; readonly sweepId: string },
  alsoStages: readonly StageName[] = [],
): Promise<StageRow[]> {
  const rows = new Map<string, StageRow>();
  const query = `WorkflowType = "trainStage" AND LetheSweep = ${quoted(sweep.sweepId.toLowerCase())}`;
  for await (const found of lethe.client.workflow.list({ query })) {
    const before = rows.get(found.workflowId);
    if (before !== undefined && before.startedAt >= found.startTime) continue;
    rows.set(found.workflowId, rowOf(found));
  }
  const others = alsoStages.map((stage) => stageWorkflowId(sweep.storeId, stage)).filter((id) => !rows.has(id));
  const running = [...rows.values()].filter((row) => row.status === 'running').map((row) => row.workflowId);
  for (const row of await describeStages(lethe, [...running, ...others])) rows.set(row.workflowId, row);
  return [...rows.values()].sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
}

/** The newest execution of each workflow id that exists, with its heartbeat. */
export async function describeStages(lethe: Lethe, workflowIds: readonly string[]): Promise<StageRow[]> {
  const rows: StageRow[] = [];
  for (let from = 0; from < workflowIds.length; from += DESCRIBED_AT_ONCE) {
    const batch = workflowIds.slice(from, from + DESCRIBED_AT_ONCE);
    for (const row of await Promise.all(batch.map((id) => describeStage(lethe, id)))) {
      if (row !== undefined) rows.push(row);
    }
  }
  return rows;
}

async function describeStage(lethe: Lethe, workflowId: string): Promise<StageRow | undefined> {
  try {
    const description = await lethe.client.workflow.getHandle(workflowId).describe();
    const pending = (description.raw as DescribeWorkflowExecutionResponse).pendingActivities?.[0];
    const details = pending?.heartbeatDetails?.payloads?.[0];
    return {
      ...rowOf(description),
      ...(details ? { heartbeat: defaultPayloadConverter.fromPayload<StageHeartbeat>(details) } : {}),
      ...(pending?.lastFailure?.message ? { trouble: pending.lastFailure.message } : {}),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

interface FoundWorkflow {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: { readonly name: string };
  readonly startTime: Date;
  readonly closeTime?: Date | undefined;
  readonly typedSearchAttributes: TypedSearchAttributes;
}

const STATUSES: Readonly<Record<string, StageRow['status']>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
};

function rowOf(found: FoundWorkflow): StageRow {
  const keyword = (name: string) => found.typedSearchAttributes.get(defineSearchAttributeKey(name, 'KEYWORD')) ?? '';
  return {
    workflowId: found.workflowId,
    runId: found.runId,
    stage: keyword('LetheStage'),
    model: keyword('LetheModel'),
    runs: found.typedSearchAttributes.get(defineSearchAttributeKey('LetheRuns', 'KEYWORD_LIST')) ?? [],
    status: STATUSES[found.status.name] ?? 'other',
    decision: keyword('LetheState'),
    startedAt: found.startTime,
    ...(found.closeTime === undefined ? {} : { closedAt: found.closeTime }),
  };
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
