import { rootCause, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  ParentClosePolicy,
  startChild,
  TerminatedFailure,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { ScheduledRun, ScheduledStage } from '../activities/plan-page.ts';
import type { StageEnd } from '../activities/stage-end.ts';
import type { ParkedStage, ScaleSweepInput, TrainStageInput } from '../experiment/sweep-control.ts';
import { stageWorkflowId, sweepWorkflowId } from '../experiment/workflow-ids.ts';
import { stageAttributes } from './attributes.ts';
import { summaryText } from './summary-text.ts';
import type { trainStage } from './train-stage.ts';

/** Failures that say nothing about the stage: the code and the history no longer agree. The server's side of the SDK gives them no type, only this message. */
const REPLAY_FAILURES = /TMPRL1100|nondeterminism|determinism ?violation/i;

/**
 * Starts the stage's workflow under the id of its key and waits for its end. `elsewhere` when the id is taken: another sweep, or this one before a
 * continue-as-new, owns the stage. Never rejects but for mistakes of ours.
 */
export async function runChild(
  sweep: ScaleSweepInput,
  stage: ScheduledStage,
  runs: readonly ScheduledRun[],
  announcesCheckpoint: boolean,
  onStarted: () => void,
): Promise<StageEnd | { readonly kind: 'elsewhere' }> {
  const { storeId, sweepId } = sweep;
  const { number, key, kind, label } = stage;
  const input: TrainStageInput = {
    storeId,
    sweepId,
    number,
    key,
    kind,
    label,
    ...(announcesCheckpoint && { announceCheckpointTo: sweepWorkflowId(storeId, sweepId) }),
  };
  const names = runs.map((run) => run.id);
  let started = false;
  try {
    const child = await startChild<typeof trainStage>('trainStage', {
      workflowId: stageWorkflowId(storeId, stage),
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      // The stage outlives this execution: continue-as-new, or an operator who terminates the sweep, must not stop a job.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
      typedSearchAttributes: stageAttributes({ ...stage, sweepId, runs: names, arms: runs.map((run) => run.arm) }),
      staticSummary: summaryOf(stage, names),
      staticDetails: detailsOf(sweepId, stage, names),
    });
    started = true;
    onStarted();
    const { jobsStarted } = await child.result();
    return { kind: 'done', jobsStarted, elsewhere: false };
  } catch (error) {
    if (!started) onStarted();
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'elsewhere' };
    return endOf(error);
  }
}

function endOf(error: unknown): StageEnd {
  if (isCancellation(error)) return { kind: 'cancelled', elsewhere: false };
  if (!(error instanceof ChildWorkflowFailure)) throw error;
  const { cause } = error;
  if (cause instanceof CancelledFailure) return { kind: 'cancelled', elsewhere: false };
  if (cause instanceof ApplicationFailure && !REPLAY_FAILURES.test(`${cause.type} ${cause.message}`)) {
    const detail = cause.details?.[0] as ParkedStage | undefined;
    const reason = detail ?? { class: 'internal', rule: cause.message, sentence: undefined, attempt: 0 };
    const { class: failure, rule, sentence, attempt } = reason;
    return { kind: 'parked', reason: { class: failure, rule, ...(sentence && { sentence }), attempt } };
  }
  return { kind: 'gone', why: cause instanceof TerminatedFailure ? 'terminated' : (rootCause(cause) ?? error.message) };
}

function summaryOf(stage: ScheduledStage, runs: readonly string[]): string {
  return summaryText(`${stage.label} · ${runs.length === 1 ? runs[0] : `${runs.length} runs`}`);
}

function detailsOf(sweepId: string, stage: ScheduledStage, runs: readonly string[]): string {
  const shown = runs.slice(0, 20).join(', ');
  return [
    `For: ${shown}${runs.length > 20 ? ` and ${runs.length - 20} more` : ''}.`,
    `\`lethe explain ${sweepId}/${runs[0] ?? stage.label}\` tells what happened and why.`,
  ].join('\n\n');
}
