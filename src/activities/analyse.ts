import type { FinishingParts } from './finishing-activities.ts';
import { runBeating } from './run-beating.ts';

export interface AnalyseRequest {
  readonly sweepId: string;
  readonly planHash: string;
  readonly wholeRuns: number;
  readonly tablesDigest: string;
}

export interface Analysed {
  /** Absent when no run was whole. */
  readonly verdict?: string;
  readonly statisticsDigest?: string;
}

/** Tables into estimates and a verdict, in a thread, kept under `verdicts/`. Without a whole run there is nothing to say. */
export function makeAnalyse({ store }: FinishingParts) {
  return async function analyse({ sweepId, wholeRuns, tablesDigest }: AnalyseRequest): Promise<Analysed> {
    if (wholeRuns === 0) return {};
    const module = new URL('./thread/analyse-sweep-thread.ts', import.meta.url);
    return runBeating<Analysed>(module, { storePath: store.path, sweepId, tablesDigest }, 'estimates and verdict');
  };
}
