import type { FailureClass } from '../experiment/failure-classes.ts';

/** How often a stage is launched again after failures of one class without progress, and how long to wait before it. */
export interface Budget {
  /** Failures that are forgiven; the next one parks the stage. */
  readonly retries: number;
  readonly firstBackoffMs: number;
  /** Each further failure multiplies the wait by this. */
  readonly growth: number;
  readonly longestBackoffMs: number;
}

export type Budgets = Readonly<Record<FailureClass, Budget>>;

const atOnce = { firstBackoffMs: 0, growth: 1, longestBackoffMs: 0 };
const soon = { firstBackoffMs: 1_000, growth: 4, longestBackoffMs: 60_000 };

/** The table of docs/run-states.md. `preempted` counts writers, not attempts. */
export const DEFAULT_BUDGETS: Budgets = {
  preempted: { retries: 20, ...atOnce },
  'out-of-memory': { retries: 3, ...atOnce },
  crash: { retries: 3, ...soon },
  stuck: { retries: 2, ...atOnce },
  io: { retries: 5, firstBackoffMs: 5_000, growth: 4, longestBackoffMs: 600_000 },
  device: { retries: 1, firstBackoffMs: 10_000, growth: 1, longestBackoffMs: 10_000 },
  image: { retries: 0, ...atOnce },
  unschedulable: { retries: 0, ...atOnce },
  config: { retries: 0, ...atOnce },
  data: { retries: 0, ...atOnce },
  'missing-input': { retries: 0, ...atOnce },
  diverged: { retries: 0, ...atOnce },
};
