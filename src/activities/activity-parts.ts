import type { Store } from '../artifacts/store.ts';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import type { JobLauncher } from '../jobs/job-launcher.ts';
import type { JobSetup } from '../recovery/memory-ladder.ts';
import type { AttemptNews } from './attempt-news.ts';
import type { FrozenPlans } from './frozen-plans.ts';
import type { WorkflowsOfStages } from './workflows-of-stages.ts';

/** What the activities are made of: only `worker.ts` knows which kinds these are. */
export interface ActivityParts {
  readonly store: Store;
  readonly plans: FrozenPlans;
  readonly launcher: JobLauncher;
  /** The trainer as a job sees it (and whatever must come before its own arguments). */
  readonly trainer: readonly string[];
  /** The set-up of a first attempt, before any ladder or override. */
  readonly setupOf: (spec: StageSpec, asked: Execution['resources']) => JobSetup;
  /** Most memory that a job can be given where it runs. */
  readonly memoryLimit: number;
  /** Time for a checkpoint between the wish to stop and the kill. */
  readonly stopGraceMs: number;
  /** Without a step for this long a job counts as stuck; a sweep file's `stallSeconds` comes first. */
  readonly stallMs: number;
  /** How long a job may wait for an image, or for a place that nothing like it ever had, before its stage is parked; no limit when absent. */
  readonly startLimitMs?: { readonly image: number; readonly unschedulable: number };
  /** Longest time between two looks at a job. */
  readonly watchMs: number;
  readonly workflows: WorkflowsOfStages;
  readonly news?: AttemptNews;
}
