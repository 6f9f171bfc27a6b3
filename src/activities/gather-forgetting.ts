import type { FinishingParts } from './finishing-activities.ts';
import type { GatheredScores } from './gather-tables.ts';
import { runBeating } from './run-beating.ts';

export interface GatherRequest {
  readonly sweepId: string;
  readonly planHash: string;
}

export interface GatheredTables {
  readonly wholeRuns: number;
  /** Runs of the plan without all of their stages. */
  readonly missingRuns: readonly string[];
  /** Over the results that went in: equal digest, equal tables. */
  readonly tablesDigest: string;
}

/** Scores of all finished stages into `tables/`, in a thread. */
export function makeGatherForgetting({ store }: FinishingParts) {
  return async function gatherForgetting({ sweepId }: GatherRequest): Promise<GatheredTables> {
    const module = new URL('./thread/gather-thread.ts', import.meta.url);
    const gathered = await runBeating<GatheredScores>(module, { storePath: store.path, sweepId }, 'gathering scores');
    const { wholeRuns, missingRuns, tablesDigest } = gathered;
    return { wholeRuns, missingRuns, tablesDigest };
  };
}
