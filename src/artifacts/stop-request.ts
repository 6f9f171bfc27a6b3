import type { FailureClass } from '../experiment/failure-classes.ts';

/** `stop.json`: published before any SIGTERM, suspend or delete of ours, so that the end that follows is not taken for a failure. */
export interface StopRequest {
  /** Who stops: a person's verb (`pause --now`, `cancel`, `stop`) or a rule of the ledger. */
  readonly by: string;
  readonly why: string;
  /** `none` touches no budget; `class` counts against `failure`. */
  readonly charge: 'none' | 'class';
  /** With charge `class`; `stuck` when absent. */
  readonly failure?: FailureClass;
  /** ISO 8601. */
  readonly time: string;
}
