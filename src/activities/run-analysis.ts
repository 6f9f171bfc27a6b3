import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import { runInThread } from './thread/run-in-thread.ts';

/** The analysis of a tables folder, in a thread of its own. Throws `BadFile`, `BadTable` or `InconsistentScores` when the tables are not what they should be. */
export function runAnalysis(tablesFolder: string, signal?: AbortSignal): Promise<ForgettingAnalysis> {
  return runInThread<ForgettingAnalysis>(
    new URL('./thread/analysis-thread.ts', import.meta.url),
    { tablesFolder },
    signal,
  );
}
