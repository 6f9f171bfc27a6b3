import { ApplicationFailure } from '@temporalio/activity';
import { type FreezeRequest, OTHER_PLAN } from '../experiment/store-errands.ts';
import type { ActivityParts } from './activity-parts.ts';
import type { FreezeAnswer } from './thread/freeze-plan-thread.ts';
import { runInThread } from './thread/run-in-thread.ts';

/**
 * Makes the plan of a sweep file again, from what this store has of models and data, and freezes it when it is the one that was asked for. In a thread: a plan
 * of thousands of runs takes seconds.
 */
export function makeFreezePlan({ store }: Pick<ActivityParts, 'store'>) {
  return async function freezePlan(request: FreezeRequest): Promise<void> {
    const module = new URL('./thread/freeze-plan-thread.ts', import.meta.url);
    const answer = await runInThread<FreezeAnswer>(module, { storePath: store.path, request });
    if (answer.kind === 'bad file') throw ApplicationFailure.nonRetryable(answer.problems, 'config');
    if (answer.kind === 'other')
      throw ApplicationFailure.nonRetryable(
        `expected the plan ${request.planHash.slice(0, 12)} of ${request.path}, the store's worker makes ${answer.planHash.slice(0, 12)} of it: it is another release of Lethe, or its models or data changed a moment ago`,
        OTHER_PLAN,
      );
  };
}
