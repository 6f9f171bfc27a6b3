import type { ApplicationFailure } from '@temporalio/workflow';
import { SETTLED, type SweepOutcome } from '../experiment/sweep-control.ts';
import { decidedFailure } from './decided-failure.ts';

const NAMED = 5;
const PARKED_IN_DETAILS = 500;
const MISSING_IN_DETAILS = 1_000;

/** The end of a sweep of which nothing more can run without a person: what is parked, why, and what to type. */
export function settledFailure(outcome: SweepOutcome): ApplicationFailure {
  const { sweepId, done, stages, parked, missingRuns } = outcome;
  const named = parked.slice(0, NAMED).map((stage) => `${stage.label}: ${stage.class} (${stage.rule})`);
  const missing = missingRuns.slice(0, NAMED).join(', ');
  return decidedFailure(
    SETTLED,
    `${sweepId} settled with ${done} of ${stages} stages done. ` +
      `Parked: ${named.join('; ')}${parked.length > NAMED ? '; …' : ''}. ` +
      `${missingRuns.length} runs are missing: ${missing}${missingRuns.length > NAMED ? ', …' : ''}. ` +
      `When the cause is mended: lethe retry ${sweepId} --failed. More: lethe status ${sweepId}`,
    {
      ...outcome,
      parked: parked.slice(0, PARKED_IN_DETAILS),
      missingRuns: missingRuns.slice(0, MISSING_IN_DETAILS),
    },
  );
}
