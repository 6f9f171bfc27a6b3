/** How one attempt of a stage ended and what follows: the ledger's decision, as it stands in the history. References and digests only. */
export type AttemptReport = {
  readonly attempt: number;
  /** A job that this sweep asked for has ended; false when the stage was found done or the job was another sweep's. */
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
      /** The last step that is known of; absent in histories of earlier releases. */
      readonly reachedStep?: number;
    }
  | {
      readonly next: 'park';
      readonly class: string;
      readonly rule: string;
      readonly sentence: string;
      readonly decision: string;
      readonly checkpointStep: number;
      /** The last step that is known of; absent in histories of earlier releases. */
      readonly reachedStep?: number;
    }
);
