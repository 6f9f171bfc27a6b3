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
    // The pane of the UI has room for five lines.
    staticDetails: [
      `Its stages: the workflows with \`LetheSweep="${sweep.sweepId.toLowerCase()}"\`; add \`AND LetheState="parked"\` for those that gave up.`,
      `In a terminal: \`lethe status ${sweep.sweepId}\``,
    ].join('\n\n'),
    memo: { sweepId: sweep.sweepId, planHash: input.planHash, schedule: input.schedule },
  };
}
