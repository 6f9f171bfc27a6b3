import type { StageKind } from './stage-spec.ts';

/**
 * What goes in and out of the two workflows, shared by those who run them (`workflows/`) and those who talk to them (`temporal/`). Pure data: references,
 * digests and small numbers, never example text.
 */

/** How a sweep is scheduled: nothing of it is in the plan, so it may change between two starts. */
export interface SweepSchedule {
  /** Stages of this sweep in flight at once, 1–500. */
  readonly parallel: number;
  /** The first stage of each model runs alone to its first checkpoint, to its end, or not at all. */
  readonly canary: 'off' | 'checkpoint' | 'stage';
  readonly order: 'smallest-first' | 'as-listed';
}

export const DEFAULT_SCHEDULE: SweepSchedule = { parallel: 4, canary: 'off', order: 'smallest-first' };
export const MAX_PARALLEL = 500;

export interface ScaleSweepInput {
  readonly storeId: string;
  /** `<name>~<plan12>` */
  readonly sweepId: string;
  readonly planHash: string;
  readonly schedule: SweepSchedule;
  /** Events after which it continues as new; 8,000 when absent. */
  readonly continueAfterEvents?: number;
  /** Present after a continue-as-new only. */
  readonly carried?: CarriedSweep;
}

/** What a continue-as-new must not forget; everything else is read from the plan and the store. Stages by number. */
export interface CarriedSweep {
  /** Started by this sweep and possibly still running. */
  readonly own: readonly number[];
  readonly canariesPassed: readonly string[];
  readonly jobsStarted: number;
  /** Stages found done before this sweep started any. */
  readonly reused: readonly number[];
}

export interface TrainStageInput {
  readonly storeId: string;
  readonly key: string;
  readonly kind: StageKind;
  /** The sweep that started it: where `run.json` is taken from when the stage is new. */
  readonly sweepId: string;
  readonly number: number;
  readonly label: string;
  /** Told once, through the client, when the first checkpoint is on disk (canary). */
  readonly announceCheckpointTo?: string;
}

export interface TrainStageOutcome {
  readonly key: string;
  readonly attempt: number;
  readonly steps: number;
  /** sha256 of result.json. */
  readonly resultDigest: string;
  /** Jobs asked for by this sweep that ended in this workflow; 0 when it found the stage done. */
  readonly jobsStarted: number;
}

export interface ParkedStage {
  readonly number: number;
  readonly label: string;
  /** Failure class, or `held by breaker`, `cancelled by hand`, `internal`. */
  readonly class: string;
  readonly rule: string;
  /** What the trainer, or whoever saw the end, said; absent when nobody did. */
  readonly sentence?: string;
  readonly attempt: number;
  /** What to type to go on. */
  readonly command: string;
}

/** ApplicationFailure type of a sweep that ended with parked stages; its first detail is the SweepOutcome. */
export const SETTLED = 'SweepSettled';

export interface SweepOutcome {
  readonly sweepId: string;
  readonly planHash: string;
  readonly stages: number;
  readonly done: number;
  readonly jobsStarted: number;
  readonly jobsReused: number;
  readonly parked: readonly ParkedStage[];
  /** Runs without all of their stages; empty when the sweep is whole. */
  readonly missingRuns: readonly string[];
  /** Absent when no run was whole. */
  readonly verdict?: string;
  readonly statisticsDigest?: string;
  /** Path of the report relative to the store. */
  readonly report?: string;
}

/** What a person may change for a stage without touching its key. */
export interface OverrideRequest {
  readonly resources?: { readonly cores?: number; readonly memoryBytes?: number; readonly gpus?: number };
  readonly microBatch?: number;
  readonly image?: string;
  readonly queue?: string;
  readonly retries?: Readonly<Record<string, number>>;
}

/** Which parked stages are meant. Runs and stages by their readable names; `failed` = all parked ones of the sweep. */
export type RetrySelection =
  | { readonly kind: 'failed' }
  | { readonly kind: 'runs'; readonly runs: readonly string[] }
  | { readonly kind: 'stages'; readonly stages: readonly string[] };

export interface RetryRequest {
  readonly selection: RetrySelection;
  readonly overrides?: OverrideRequest;
  readonly by: string;
}

export interface RetryAnswer {
  /** Labels of the stages that were re-opened. */
  readonly reopened: readonly string[];
  /** Selected stages that were not parked, so nothing was done to them. */
  readonly untouched: readonly string[];
}

export interface PauseRequest {
  /** Running jobs checkpoint and stop too. */
  readonly now: boolean;
  readonly by: string;
}

export interface ResumeRequest {
  readonly by: string;
}

/** Answer to `pause`. */
export interface PauseAnswer {
  /** Labels of the stages in flight when it was asked. */
  readonly running: readonly string[];
}

/** Names of the messages, so that both ends agree. */
export const MESSAGES = {
  pause: 'pause',
  resume: 'resume',
  retry: 'retry',
  overview: 'overview',
  canaryPassed: 'canaryPassed',
} as const;

/** A run stands where the first of its stages stands that is not done. */
export const RUN_STATES = ['done', 'running', 'waiting', 'parked', 'held'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Where the stages and runs of one sweep stand. */
export interface SweepCensus {
  readonly sweep: string;
  readonly stages: Readonly<Record<string, number>>;
  readonly runs: Readonly<Partial<Record<RunState, number>>>;
}

/** Answer of the `overview` query: counts and lists, no rows of stages that are well. */
export interface SweepOverview {
  readonly phase: 'loading' | 'scheduling' | 'paused' | 'analysing' | 'ended';
  readonly stages: number;
  readonly done: number;
  readonly running: readonly string[];
  readonly waiting: number;
  readonly blocked: number;
  readonly parked: readonly ParkedStage[];
  readonly held: readonly string[];
  readonly jobsStarted: number;
  readonly jobsReused: number;
  /** Of all runs; absent while the plan is being read. */
  readonly runs?: Readonly<Record<RunState, number>>;
}
