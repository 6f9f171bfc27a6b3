import type { AnalysisPlan } from './analysis-plan.ts';
import type { ModelSpec, StageKind, StageSpec } from './stage-spec.ts';

/** One unit of work. Stages that several runs share appear once. */
export interface PlanStage {
  /** Index in `Plan.stages`; parents come before their children. */
  readonly number: number;
  /** sha256 of the canonical StageSpec (stage-key.ts): the content address of the stage. */
  readonly key: string;
  readonly kind: StageKind;
  /** Name of the model in the sweep file, for people; not part of the key. */
  readonly model: string;
  readonly seed: number;
  /** Readable name within its sweep, `d32.finetune.s1`; not part of the key. */
  readonly label: string;
  readonly parents: readonly number[];
  readonly spec: StageSpec;
}

/** One model × arm × seed: a path through the stages. */
export interface PlanRun {
  /** `<model>.<arm>.s<seed>`, lower case. */
  readonly id: string;
  readonly model: string;
  readonly arm: string;
  readonly seed: number;
  /** Numbers of its stages in the order of training sessions. */
  readonly stages: readonly number[];
}

export interface PlanModel {
  readonly name: string;
  readonly spec: ModelSpec;
  /** Digest of the weights that its first stages start from; absent: random ones. */
  readonly weights?: string;
  /** All parameters, tied head counted once. */
  readonly parameters: number;
  /** Parameters without embeddings: the x of the scale test. */
  readonly scaleParameters: number;
}

/** What a sweep file was frozen into, before the first job. Nothing measured, nothing of the machine, no resources. */
export interface Plan {
  readonly format: 'lethe-plan/1';
  readonly name: string;
  readonly models: readonly PlanModel[];
  readonly stages: readonly PlanStage[];
  readonly runs: readonly PlanRun[];
  readonly analysis: AnalysisPlan;
}

/** `<name>~<first 12 hex digits of the plan hash>`: the sweep's id and folder. */
export function sweepId(plan: { readonly name: string }, planHash: string): string {
  return `${plan.name}~${planHash.slice(0, 12)}`;
}
