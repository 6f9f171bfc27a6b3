import { WorkflowNotFoundError } from '@temporalio/client';
import type { Lethe } from '../temporal/connection.ts';
import { awaitSweep, cancelSweep } from '../temporal/sweep-client.ts';

/** Cancels a sweep and returns when it has ended; one that has ended already is fine. */
export async function cancelAndWait(
  lethe: Lethe,
  sweep: { readonly storeId: string; readonly sweepId: string },
): Promise<void> {
  try {
    await cancelSweep(lethe, sweep);
    await awaitSweep(lethe, sweep);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
