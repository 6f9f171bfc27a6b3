import type { StageKind } from '../experiment/stage-spec.ts';

/** What the scheduler needs of a plan, in pages that fit into a history. Stages come before runs. */
export interface PlanPage {
  readonly stages: readonly ScheduledStage[];
  readonly runs: readonly ScheduledRun[];
  /** Where the next page begins; absent on the last. */
  readonly next?: number;
  /** On the last page: what a person asked last, from `control/`. */
  readonly control?: SweepControl;
}

export interface ScheduledStage {
  readonly number: number;
  readonly key: string;
  readonly kind: StageKind;
  readonly model: string;
  readonly seed: number;
  readonly label: string;
  readonly parents: readonly number[];
  /** Of its model, embeddings included: the order in which stages start. */
  readonly parameters: number;
  /** What the store says: has a result; its ledger gave up; anything else. */
  readonly state: 'done' | 'parked' | 'open';
  readonly parked?: ParkedReason;
}

export interface ScheduledRun {
  readonly id: string;
  readonly arm: string;
  readonly stages: readonly number[];
}

export interface ParkedReason {
  readonly class: string;
  readonly rule: string;
  /** What the trainer, or whoever saw the end, said; absent when nobody did. */
  readonly sentence?: string;
  readonly attempt: number;
}

/** `sweeps/<id>/control/<seq>.json`: the newest wins, so a sweep that is started again remembers what was asked. */
export interface SweepControl {
  readonly paused: boolean;
  /** Parked stages that no longer count for the breaker, because a person lifted it. */
  readonly lifted: readonly number[];
}
