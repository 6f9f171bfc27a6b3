/** How one attempt of a stage ended and what follows: the ledger's decision, as it stands in the history. References and digests only. */
export type AttemptReport = {
  readonly attempt: number;
  /** This call made the job; false when it found the stage done or adopted a job that was there. */
  readonly launched: boolean;
} & (
  | { readonly next: 'done'; readonly steps: number; readonly resultDigest: string }
  | {
      readonly next: 'relaunch';
      readonly afterMs: number;
      readonly class: string;
      readonly rule: string;
      readonly sentence: string;
      /** What the ledger changes and how much of its budget is used. */
      readonly decision: string;
      readonly checkpointStep: number;
    }
  | {
      readonly next: 'park';
      readonly class: string;
      readonly rule: string;
      readonly sentence: string;
      readonly decision: string;
      readonly checkpointStep: number;
    }
);
