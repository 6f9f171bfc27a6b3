import type { ParkedReason } from './plan-page.ts';

/** How a stage's workflow ended, as the scheduler takes it. `elsewhere` = it was not a child of this execution. */
export type StageEnd =
  | { readonly kind: 'done'; readonly jobsStarted: number; readonly elsewhere: boolean }
  | { readonly kind: 'parked'; readonly reason: ParkedReason }
  | { readonly kind: 'cancelled'; readonly elsewhere: boolean }
  /** Ended without a result and without a decision (terminated, a new release of Lethe): to be started again, its job is adopted. */
  | { readonly kind: 'gone'; readonly why: string };

export interface SettledStage {
  readonly number: number;
  readonly end: StageEnd;
}
