import type { ParkedStage } from '../experiment/sweep-control.ts';

export interface ReportRequest {
  readonly sweepId: string;
  readonly planHash: string;
  readonly parked: readonly ParkedStage[];
  readonly jobsStarted: number;
  readonly jobsReused: number;
}

export interface WrittenReport {
  /** Path of `index.html` relative to the store. */
  readonly report: string;
}
