import type { ParkedReason } from '../activities/plan-page.ts';
import type { StageEnd } from '../activities/stage-end.ts';

/** Often enough for an outage, rarely enough not to fight with a person who terminates a stage on purpose. */
const RESTARTS_OF_A_STAGE = 5;

export type Place =
  | { readonly state: 'done' | 'waiting' }
  | { readonly state: 'parked'; readonly reason: ParkedReason };

/**
 * Where a stage goes whose workflow has ended. `stoppedByPause`: this sweep cancelled it itself. `ends`: how often, this time included, its workflow has
 * ended without a result and without a decision.
 */
export function placeAfterEnd(end: StageEnd, stoppedByPause: boolean, ends: number): Place {
  switch (end.kind) {
    case 'done':
      return { state: 'done' };
    case 'parked':
      return { state: 'parked', reason: end.reason };
    case 'cancelled':
      // Another sweep's cancellation says nothing about us: the stage is taken over.
      if (stoppedByPause || end.elsewhere) return { state: 'waiting' };
      return parked('cancelled by hand', 'its workflow was cancelled, but not by this sweep');
    case 'gone':
      if (ends <= RESTARTS_OF_A_STAGE) return { state: 'waiting' };
      return parked('internal', `its workflow ended ${ends} times without a result, last: ${end.why}`);
  }
}

function parked(failure: string, rule: string): Place {
  return { state: 'parked', reason: { class: failure, rule, attempt: 0 } };
}
