import type { AnalysisPlan } from './analysis-plan.ts';
import type { ArmName } from './arm.ts';
import type { ExamplePart } from './example-part.ts';
import type { FailureClass } from './failure-classes.ts';
import type { Notion, TemplateMode } from './policy-grammar-recipe.ts';
import type { FrozenForm, ModelSpec, OptimizerSpec, ScheduleSpec, StopRule, Tuning } from './stage-spec.ts';
import type { TaskAnswer } from './text-recipe.ts';

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
  readonly data: DataChoice;
  readonly sessions: Sessions;
  readonly analysis: AnalysisPlan;
  readonly execution: Execution;
}

export interface SweepModel {
  readonly name: string;
  readonly spec: ModelSpec;
  /** What the first stage starts from; absent: random weights. */
  readonly weights?: StartWeights;
  /** Instead of the sweep's own, at this scale. */
  readonly learningRate?: number;
}

/** Weights of the store's catalog, with the digest of their tokenizer's files where they have one. */
export interface StartWeights {
  readonly digest: string;
  readonly tokenizer?: string;
}

export type DataChoice = GrammarChoice | BbqGsm8kChoice | JsonlChoice;

/** Which grammar makes the examples; the parts stand with the sessions, the seed is the run's. */
export interface GrammarChoice {
  readonly kind: 'policy-grammar';
  readonly version: 1;
  readonly notion: Notion;
  readonly templates: TemplateMode;
}

/** Real texts of BBQ and GSM8K (text-recipe.ts). Sources stand by their digests. */
export interface BbqGsm8kChoice {
  readonly kind: 'bbq-gsm8k';
  readonly version: 1;
  readonly notion: string;
  readonly sources: { readonly bbq: string; readonly gsm8k: string };
  readonly unsafeShare: number;
  readonly taskAnswer: TaskAnswer;
  readonly maxTokens: number;
}

/** Texts that somebody brought, with classes of their own. */
export interface JsonlChoice {
  readonly kind: 'jsonl';
  readonly version: 1;
  readonly notion: string;
  readonly sources: { readonly jsonl: string };
  readonly maxTokens: number;
}

/** The training sessions that the arms are built from (arm.ts). */
export interface Sessions {
  readonly pretrain?: Session;
  readonly align?: Session;
  readonly finetune: Session;
  readonly review: Session;
  /** What `safety-replay` adds to the noisy set. */
  readonly replay: readonly ExamplePart[];
  /** The rounds of the `interleaved` arm. */
  readonly interleaved?: { readonly rounds: number; readonly finetune: Session; readonly review: Session };
}

export interface Session {
  readonly train: readonly ExamplePart[];
  /** Nothing is scored when empty. */
  readonly score: readonly ExamplePart[];
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
  /** Absent: all of the model is trained. */
  readonly tuning?: Tuning;
  /** How weights that are not trained are kept; absent: as fp32. */
  readonly frozenWeights?: FrozenForm;
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
