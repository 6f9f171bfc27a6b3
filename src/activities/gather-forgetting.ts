export interface GatherRequest {
  readonly sweepId: string;
  readonly planHash: string;
}

export interface GatheredTables {
  readonly wholeRuns: number;
  /** Runs of the plan without all of their stages. */
  readonly missingRuns: readonly string[];
  /** sha256 over the digests of the results that went in: equal digest, equal tables. */
  readonly tablesDigest: string;
}
