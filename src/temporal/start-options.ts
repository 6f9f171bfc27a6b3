import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { cutKeyword, cutList } from '../experiment/search-attributes.ts';
import type { ScaleSweepInput } from '../experiment/sweep-control.ts';
import { sweepWorkflowId, taskQueue } from '../experiment/workflow-ids.ts';

/** Everything of a sweep's start but the policies: one place, because a start, a retry and a resume must start the same workflow. */
export function sweepStartOptions(
  sweep: { readonly storeId: string; readonly sweepId: string },
  input: ScaleSweepInput,
) {
  const typedSearchAttributes: SearchAttributePair[] = [
    { key: defineSearchAttributeKey('LetheSweep', 'KEYWORD_LIST'), value: cutList([sweep.sweepId]) },
    { key: defineSearchAttributeKey('LetheState', 'KEYWORD'), value: cutKeyword('started') },
  ];
  return {
    workflowId: sweepWorkflowId(sweep.storeId, sweep.sweepId),
    taskQueue: taskQueue(sweep.storeId),
    args: [input] as [ScaleSweepInput],
    typedSearchAttributes,
    staticSummary: `sweep ${sweep.sweepId.slice(0, 180)}`,
    staticDetails: `Sweep \`${sweep.sweepId}\`, plan \`${input.planHash}\`. Its stages are the workflows with \`LetheSweep = "${sweep.sweepId.toLowerCase()}"\`; their state is in the current details above. \`lethe status ${sweep.sweepId}\` shows the same in a terminal.`,
    memo: { sweepId: sweep.sweepId, planHash: input.planHash, schedule: input.schedule },
  };
}
