/** How the tables of a sweep become a verdict: plan v1 of docs/statistics.md, frozen with the plan. */
export interface AnalysisPlan {
  readonly format: 'lethe-analysis/1';
  /** Arm whose contrast carries the claim. */
  readonly primaryArm: string;
  /** Control arms that must behave as named. */
  readonly controls: readonly ControlExpectation[];
  /** Notion of the examples in the contrast. */
  readonly notion: string;
  /** The review anchor of the primary contrast, as a fraction of the review session's steps (same at every scale). */
  readonly anchorFraction: number;
  /** Smallest effect size of interest on the 0–1 scale of forgetting. */
  readonly smallestEffect: number;
  /** A binary forgetting event: ROUGE-1 drop greater than this (paper: φ = .1). */
  readonly rougeDrop: number;
  /** Significance level of each one-sided test. */
  readonly alpha: number;
  /** Least learned share of each class at each scale; below it the verdict is UNLEARNED. */
  readonly learnedShare: number;
  /** Geometric-mean probability from which an item counts as learned. */
  readonly learnedProbability: number;
  readonly bootstrapDraws: number;
  readonly simulationDraws: number;
  readonly seed: number;
}

export const CONTROL_KINDS = [
  'unsafe-review',
  'task-review',
  'mismatched-review',
  'noop-review',
  'label-swap',
] as const;
export type ControlKind = (typeof CONTROL_KINDS)[number];

export interface ControlExpectation {
  readonly arm: string;
  readonly kind: ControlKind;
}
