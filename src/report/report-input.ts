import type { FailureClass } from '../experiment/failure-classes.ts';
import type { StageKind } from '../experiment/stage-spec.ts';
import type { ForgettingAnalysis } from '../statistics/analysis.ts';

/** All that a report says, as plain JSON: it crosses into the rendering thread as it is, and equal input gives equal bytes. No example text. */
export interface ReportInput extends SweepFacts {
  /** Carries the analysis plan, the verdict, the missing runs and, for synthetic tables, what they demonstrate. */
  readonly analysis: ForgettingAnalysis;
}

/** What a sweep did, whether or not its tables could be analysed. */
export interface SweepFacts {
  /** `<name>~<plan12>`, or the folder's name for tables that came without a plan. */
  readonly sweep: string;
  readonly runs: readonly ReportRun[];
  readonly stages: readonly ReportStage[];
  readonly provenance: Provenance;
  /** Why the analysis is EXPLORATORY. Absent = the plan was frozen before its results. */
  readonly exploratory?: string;
  /** The examples come from the policy grammar: the classes are roles, and the report says so. */
  readonly policyGrammar: boolean;
  /** ISO 8601; the report itself looks at no clock. */
  readonly generatedAt: string;
}

export interface ReportRun {
  readonly run: string;
  readonly arm: string;
  readonly model: string;
  readonly seed: number;
  readonly state: 'done' | 'missing';
  /** Why a missing run is missing, and what to type. */
  readonly reason?: string;
  readonly command?: string;
  /** Keys of its stages, in order of training sessions. */
  readonly stages: readonly string[];
}

export interface ReportStage {
  readonly key: string;
  readonly label: string;
  readonly kind: StageKind;
  readonly state: 'done' | 'parked' | 'held' | 'cancelled' | 'not-started';
  /** Last step, and what ended the training. */
  readonly steps?: number;
  readonly stoppedBy?: 'stop-rule' | 'step-limit';
  /** Made by an earlier sweep and taken as it was. */
  readonly reused: boolean;
  /** An out-of-memory step changed the micro-batch: its rows are equal within a tolerance, not bit for bit. */
  readonly microBatchChanged: boolean;
  readonly attempts: readonly ReportAttempt[];
}

export interface ReportAttempt {
  readonly attempt: number;
  readonly outcome: 'succeeded' | 'failed' | 'stopped';
  readonly failure?: FailureClass;
  readonly rule: string;
  readonly sentence: string;
  /** Steps that the next attempt had to train again. */
  readonly stepsLost: number;
  readonly endedAt?: string;
}

export interface Provenance {
  /** Path of the sweep file as it was given, and its text. */
  readonly sweepFile?: { readonly path: string; readonly text: string };
  /** The recipe in short when the sweep file's text is not at hand: name and value. */
  readonly recipe?: readonly { readonly name: string; readonly value: string }[];
  readonly seeds: readonly number[];
  readonly code: { readonly version: string; readonly revision?: string; readonly dirty?: boolean };
  /** Datasets by digest; `role` says what they were used for. */
  readonly data: readonly { readonly digest: string; readonly role: string; readonly rows?: number }[];
  /** Every trainer build that made a stage of this sweep, and how many it made. More than one is said out loud. */
  readonly trainerBuilds: readonly { readonly build: string; readonly stages: number }[];
  /** Every image of the trainer that made a stage of this sweep, by the digest that its node reported. Empty or absent: jobs of one machine, or of earlier releases. */
  readonly images?: readonly { readonly image: string; readonly stages: number }[];
  /** Every numerics tuple (backend, precision, CPU feature level, BLAS core, version) met. */
  readonly numerics: readonly { readonly tuple: Readonly<Record<string, string | number>>; readonly stages: number }[];
  readonly machine?: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Sum of the jobs' wall times, seconds. */
  readonly jobSeconds?: number;
  /** sha256 of the canonical JSON of all estimates. */
  readonly statisticsDigest?: string;
  /** Commands that make the result again, in order. */
  readonly reproduce: readonly string[];
}

/** Files of the report folder by name: `index.html`, `summary.md`, `estimates.csv`, `contrasts.csv`, `verdict.json`, `analysis.json`. */
export interface ReportBundle {
  readonly files: Readonly<Record<string, string>>;
}
