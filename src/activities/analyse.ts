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
