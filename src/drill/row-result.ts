import type { DrillAction } from './drill-row.ts';

/** What a drill says of a row: a line of its table, an object of its `--json`. */
export type RowResult =
  | { readonly row: string; readonly status: 'not run'; readonly why: string }
  | (RowFinding & {
      readonly row: string;
      readonly status: 'held' | 'missed';
      /** What was expected and did not come, a sentence each; empty when it held. */
      readonly misses: readonly string[];
      readonly seconds: number;
    });

/** What became of the fault. */
export interface RowFinding {
  /** Class of the attempt that the fault ended; null when none failed. */
  readonly class: string | null;
  readonly rule: string | null;
  readonly action: DrillAction | null;
  readonly attempts: number;
  /** At least: what the trainers told in time. */
  readonly stepsLost: number;
  /** From the fault to the first new step; null where nothing had to be resumed. */
  readonly timeToResumeMs: number | null;
  /** Equal to the undisturbed run, or how far from it. */
  readonly statistics: 'equal' | 'within tolerance' | 'different' | 'none';
}

export function isMissed(result: RowResult): boolean {
  return result.status === 'missed';
}
