import type { Interval } from './analysis.ts';

/** Mean contrast (the smaller one) at one scale, as the tests use it. */
export interface ScaleCell {
  readonly model: string;
  readonly x: number;
  readonly seeds: number;
  readonly mean: number;
  readonly se: number | null;
  readonly df: number | null;
}

/** One-sided tests at one scale; null = untestable (no error degrees of freedom). */
export interface PresenceTest {
  readonly model: string;
  /** One-sided lower bound at 1 − α. */
  readonly lowerBound: number | null;
  readonly p: number | null;
  readonly holds: boolean;
}

export interface EquivalenceTest {
  readonly model: string;
  /** Two-sided interval at 1 − 2α. */
  readonly interval: Interval | null;
  /** The larger p of the two one-sided tests. */
  readonly p: number | null;
  readonly holds: boolean;
}

/** T1: does the contrast grow with scale? Labels of the scales permuted within each seed. */
export interface TrendTest {
  /** Least-squares slope per decade. */
  readonly slope: number;
  readonly p: number | null;
  readonly jonckheere: number;
  readonly jonckheereP: number | null;
  /** True when every permutation was counted. */
  readonly exact: boolean;
  readonly permutations: number;
}

/** T2: is there an onset, an upward change of slope that the seeds' own spread does not explain? */
export interface OnsetTest {
  readonly statistic: number;
  /** Where the statistic is largest, on x. */
  readonly onsetX: number;
  readonly p: number;
  readonly critical: number;
  readonly draws: number;
  readonly holds: boolean;
  /** Smallest spread τ between scales (beyond seeds) at which the onset is no longer significant; null when it is not significant. */
  readonly tippingTau: number | null;
}

/** T3: the largest scale predicted from the smaller ones. */
export interface LeaveLargestOut {
  readonly observed: number;
  readonly line: Prediction | null;
  readonly logistic: Prediction | null;
}

export interface Prediction {
  readonly predicted: number;
  /** 95 % interval for the mean of the runs at the largest scale. */
  readonly interval: Interval;
  readonly outside: boolean;
}

export const SHAPES = ['constant', 'line', 'logistic', 'hinge', 'step'] as const;
export type Shape = (typeof SHAPES)[number];

/** T4: one fitted shape, for display; never a gate. */
export interface ShapeFit {
  readonly shape: Shape;
  readonly parameters: Readonly<Record<string, number>>;
  readonly rss: number;
  /** Parameters counted, variance included. */
  readonly k: number;
  /** null where n − k − 1 ≤ 0. */
  readonly aicc: number | null;
  /** Akaike weight among the shapes that have an AICc. */
  readonly weight: number | null;
  /** The fitted curve for a plot, 33 points from the smallest to the largest scale. */
  readonly curve: readonly { readonly x: number; readonly y: number }[];
}

export interface MeasureTests {
  readonly cells: readonly ScaleCell[];
  /** Pooled standard deviation between runs; null with one seed a scale. */
  readonly sigma: number | null;
  readonly df: number;
  /** True when the scales' variances differ so much that each scale uses its own. */
  readonly unequalVariances: boolean;
  /** Contrast at the largest scale that would be told from the smallest effect with power .8. */
  readonly minimumDetectable: number | null;
  /** E1, at the largest scale. */
  readonly presence: PresenceTest;
  /** E2, at the smallest scale. */
  readonly absence: EquivalenceTest;
  /** The gap is below the smallest effect at the largest scale, or above it at the smallest. */
  readonly noGapAtTop: boolean;
  readonly gapAtBottom: boolean;
  readonly trend: TrendTest | null;
  readonly trendHolmP: number | null;
  /** E3; null with fewer than 4 scales or one seed. */
  readonly onset: OnsetTest | null;
  readonly leaveLargestOut: LeaveLargestOut | null;
  /** Davies' test for a change of slope on the runs (two-sided), for display. */
  readonly daviesP: number | null;
  /** Spread of the scales about the best smooth shape beyond the seeds' own (τ); null when it cannot be estimated. */
  readonly lackOfFitTau: number | null;
  /** F test of that spread; null when it cannot be tested. */
  readonly lackOfFitP?: number | null;
}
