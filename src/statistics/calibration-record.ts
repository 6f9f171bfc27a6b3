/** Shapes of the true contrast over the scales that a calibration simulates. */
export const TRUTHS = ['zero', 'constant', 'line', 'hinge', 'step', 'logistic', 'saturating'] as const;
export type Truth = (typeof TRUTHS)[number];

/** How often the decision table gives each word under one truth. */
export interface TruthRates {
  readonly truth: Truth;
  readonly sharp: number;
  readonly gradual: number;
  readonly notSupported: number;
  readonly inconclusive: number;
}

/**
 * `calibration.json`: what the decision table does on simulated sweeps with this number of scales and seeds. SHARP needs a record whose false SHARP rate
 * is ≤ .06 under `line` and `saturating`; with a record, GRADUAL needs power ≥ .8.
 */
export interface CalibrationRecord {
  readonly format: 'lethe-calibration/1';
  readonly scales: number;
  readonly seeds: number;
  /** Position of each scale, log10 of non-embedding parameters. */
  readonly x: readonly number[];
  /** Standard deviation between runs of one scale. */
  readonly sigma: number;
  /** Standard deviation of what belongs to a scale alone (family, optimiser) and does not shrink with seeds. */
  readonly tau: number;
  readonly smallestEffect: number;
  readonly alpha: number;
  readonly replications: number;
  readonly simulationDraws: number;
  readonly seed: number;
  readonly truths: readonly TruthRates[];
  /** Largest SHARP rate under `line` and `saturating`. */
  readonly falseSharp: number;
  /** Largest spread τ between scales at which that rate is still ≤ .06 (steps of .005, up to .2); null when it is above already at τ = 0. */
  readonly tippingTau?: number | null;
  /** Contrast at the largest scale under the alternatives (`line` and the others that rise). */
  readonly alternativeEffect: number;
  /** Rate of SHARP or GRADUAL under `line` with `alternativeEffect` at the top. */
  readonly power: number;
}
