import type { AnalysisPlan } from './analysis-plan.ts';
import type { ArmName } from './arm.ts';
import type { FailureClass } from './failure-classes.ts';
import type { GrammarPart, Notion, TemplateMode } from './policy-grammar-recipe.ts';
import type { ModelSpec, OptimizerSpec, ScheduleSpec, StopRule } from './stage-spec.ts';

/** Seeds are below this, so that the order of examples differs between the sessions of a run: session i draws with i × this + seed. */
export const SEED_LIMIT = 1_000_000;

/** A sweep file, parsed and with every default filled in: models × arms × seeds and all that is asked of them. */
export interface Sweep {
  readonly name: string;
  readonly title: string;
  /** Smallest first in every table, as written in the file. */
  readonly models: readonly SweepModel[];
  readonly arms: readonly ArmName[];
  readonly seeds: readonly number[];
  readonly backend: 'cpu';
  readonly precision: 'fp32';
  readonly data: GrammarChoice;
  readonly sessions: Sessions;
  readonly analysis: AnalysisPlan;
  readonly execution: Execution;
}

export interface SweepModel {
  readonly name: string;
  readonly spec: ModelSpec;
  /** Instead of the sweep's own, at this scale. */
  readonly learningRate?: number;
}

/** Which grammar makes the examples; the parts stand with the sessions, the seed is the run's. */
export interface GrammarChoice {
  readonly kind: 'policy-grammar';
  readonly version: 1;
  readonly notion: Notion;
  readonly templates: TemplateMode;
}

/** The training sessions that the arms are built from (arm.ts). */
export interface Sessions {
  readonly pretrain?: Session;
  readonly align?: Session;
  readonly finetune: Session;
  readonly review: Session;
  /** What `safety-replay` adds to the noisy set. */
  readonly replay: readonly GrammarPart[];
  /** The rounds of the `interleaved` arm. */
  readonly interleaved?: { readonly rounds: number; readonly finetune: Session; readonly review: Session };
}

export interface Session {
  readonly train: readonly GrammarPart[];
  /** Nothing is scored when empty. */
  readonly score: readonly GrammarPart[];
  readonly anchors: readonly number[];
  readonly maxNewTokens: number;
  readonly lossOn: 'response' | 'all';
  readonly batch: number;
  readonly steps: number;
  /** `learningRate` is the sweep's; a model may bring its own. Multiplied by `learningRateFactor` in either case. */
  readonly optimizer: OptimizerSpec;
  readonly learningRateFactor: number;
  readonly schedule: ScheduleSpec;
  readonly stop?: StopRule;
}

export const CANARIES = ['off', 'checkpoint', 'stage'] as const;

/** How the sweep is carried out. Nothing of it enters a stage key or the plan. */
export interface Execution {
  /** Most stages under way at once; absent: chosen by where it runs. */
  readonly parallel?: number;
  readonly canary?: (typeof CANARIES)[number];
  readonly retries: Readonly<Partial<Record<FailureClass, number>>>;
  readonly resources: { readonly cores?: number; readonly memoryBytes?: number; readonly gpus?: number };
  readonly checkpointEvery?: number;
  readonly stallSeconds?: number;
}
