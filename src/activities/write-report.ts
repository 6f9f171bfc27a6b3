import type { ParkedStage } from '../experiment/sweep-control.ts';
import type { FinishingParts } from './finishing-activities.ts';
import { runBeating } from './run-beating.ts';

export interface ReportRequest {
  readonly sweepId: string;
  readonly planHash: string;
  readonly parked: readonly ParkedStage[];
  /** There is an analysis of these tables. */
  readonly analysed: boolean;
}

export interface WrittenReport {
  /** Path of `index.html` relative to the store. */
  readonly report: string;
}

/** The report of a sweep from its newest analysis and the store, in a thread. */
export function makeWriteReport({ store, codeVersion }: FinishingParts) {
  return async function writeReport({ sweepId, parked, analysed }: ReportRequest): Promise<WrittenReport> {
    const module = new URL('./thread/report-thread.ts', import.meta.url);
    const input = { storePath: store.path, sweepId, parked, analysed, code: await codeVersion() };
    return { report: await runBeating<string>(module, input, 'report') };
  };
}
