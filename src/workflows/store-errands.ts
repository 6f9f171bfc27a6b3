import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.ts';
import type { FreezeRequest, GarbageFound, GarbageRequest } from '../experiment/store-errands.ts';
import { FINISHING_ACTIVITY, STORE_ACTIVITY } from './activity-options.ts';

const { freezePlan } = proxyActivities<Activities>(STORE_ACTIVITY);
const { collectGarbage: collect } = proxyActivities<Activities>(FINISHING_ACTIVITY);

/** Writes and freezes a sweep that was made elsewhere, after its plan was made here again and came out the same. Doing it twice changes nothing. */
export async function freezeSweep(request: FreezeRequest): Promise<void> {
  await freezePlan.executeWithOptions({ summary: request.sweepId.slice(0, 180) }, [request]);
}

/** Finds, and unless it is only asked what there is removes, what no plan of the store needs. */
export async function collectGarbage(request: GarbageRequest): Promise<GarbageFound> {
  return collect(request);
}
