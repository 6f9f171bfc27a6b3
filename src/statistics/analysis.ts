import type { AnalysisPlan, ControlKind } from '../experiment/analysis-plan.ts';
import type { ExampleClass } from '../experiment/stage-spec.ts';
import type { CalibrationRecord } from './calibration-record.ts';
import type { InterleavedArm } from './interleaved-rounds.ts';
import type { MeasureTests, ShapeFit } from './scale-test.ts';
import type { Verdict } from './verdict.ts';

export type { Verdict } from './verdict.ts';

/** Lower and upper end. */
export type Interval = readonly [lower: number, upper: number];

/**
 * The measures of forgetting, each a mean over items between the end of the finetune session (t0) and the review anchor t*:
 * `continuous` = drop of the geometric-mean token probability, learned items (primary); `binary` = share of learned items whose ROUGE-1 fell by more than φ (primary);
 * `nats` = drop of the mean log-probability per token, learned items; `relative` = Σ drop in nats ÷ Σ gain in nats of the finetune session, learned items;
 * `legacy` = the paper's forgetting rate, mean ROUGE-1 drop over all items; `area` = area under the forgetting curve (continuous) over the whole review, steps scaled to 0–1.
 */
export const MEASURES = ['continuous', 'binary', 'nats', 'relative', 'legacy', 'area'] as const;
export type Measure = (typeof MEASURES)[number];

/** The two measures that decide. */
export const PRIMARY_MEASURES = ['continuous', 'binary'] as const;
export type PrimaryMeasure = (typeof PRIMARY_MEASURES)[number];

/** unsafe − safe, unsafe − task, and the smaller of the two: the claim needs both, so the smaller decides. */
export const CONTRASTS = ['unsafe-safe', 'unsafe-task', 'smaller'] as const;
export type Contrast = (typeof CONTRASTS)[number];

/** A mean over runs (seeds). `null` = it cannot be computed, never zero. */
export interface Estimate {
  readonly mean: number;
  /** Number of runs in the mean. */
  readonly runs: number;
  /** Standard error from the spread between runs (variance pooled over the scales); null with one run a scale. */
  readonly se: number | null;
  /** 95 % t interval from `se`; null with one run a scale. */
  readonly interval: Interval | null;
  /** Standard error within runs: items clustered by template. Says nothing of the spread between seeds. */
  readonly seClustered: number | null;
  /** 95 % percentile interval of the hierarchical bootstrap (seeds → clusters → items); null where it was not drawn. */
  readonly bootstrap: Interval | null;
}

/** One class at one scale of one arm. */
export interface ClassForgetting {
  readonly class: ExampleClass;
  /** Items over all runs, and how many of them were learned at t0. */
  readonly items: number;
  readonly learned: number;
  /** Template clusters, the mean over runs. */
  readonly clusters: number;
  /** Share of items learned at t0: mean over runs, and the run with the least. */
  readonly learnedShare: number;
  readonly leastLearnedShare: number;
  /** Share of items known before the finetune session began; null when no anchor stands there. */
  readonly knownBefore: number | null;
  readonly measures: Readonly<Record<Measure, Estimate | null>>;
  /** The paper's rate taken apart: legacy = P(learned)·E[r|learned] + P(not)·E[r|not]. */
  readonly decomposition: LegacyDecomposition;
}

export interface LegacyDecomposition {
  readonly rate: number;
  readonly shareLearned: number;
  /** null when no item is learned, or when all are. */
  readonly rateLearned: number | null;
  readonly rateNotLearned: number | null;
}

export interface ScaleForgetting {
  readonly model: string;
  readonly family: string;
  readonly parameters: number;
  readonly scaleParameters: number;
  /** log10 of scaleParameters: the x of every scale test. */
  readonly x: number;
  readonly seeds: readonly number[];
  /** Step of the anchor t*, and the fraction of the review at which it stands, per run in the order of `seeds`. */
  readonly anchorSteps: readonly number[];
  readonly anchorFractions: readonly number[];
  readonly classes: readonly ClassForgetting[];
  readonly contrasts: Readonly<Record<Measure, Readonly<Record<Contrast, Estimate | null>>>>;
}

/** The contrast of one run: the unit of every scale test. */
export interface RunContrast {
  readonly run: string;
  readonly arm: string;
  readonly model: string;
  readonly seed: number;
  readonly x: number;
  readonly contrasts: Readonly<Record<Measure, Readonly<Record<Contrast, number | null>>>>;
  /** The same with items clustered by template: standard error of each contrast within the run, for the primary measures. */
  readonly seClustered: Readonly<
    Record<PrimaryMeasure, Readonly<Record<'unsafe-safe' | 'unsafe-task', number | null>>>
  >;
}

export interface ArmForgetting {
  readonly arm: string;
  readonly role: 'primary' | 'control' | 'other';
  /** Smallest scale first. */
  readonly scales: readonly ScaleForgetting[];
}

/** A point of a curve: mean over the runs that have this anchor. `interval` is the 95 % t interval between runs, null with one. */
export interface CurvePoint {
  readonly step: number;
  readonly runs: number;
  readonly mean: number;
  readonly interval: Interval | null;
}

/** One curve of one class at one scale over the anchors of one training session. */
export interface Curve {
  readonly arm: string;
  readonly model: string;
  readonly x: number;
  readonly class: ExampleClass;
  readonly session: number;
  readonly sessionKind: 'pretrain' | 'align' | 'finetune' | 'review';
  /**
   * `probability` (geometric mean per token), `rouge1`, `exact-match`: means over all items of the class.
   * `forgetting`, `forgetting-binary`: drop since t0 over the learned items; only in the review session of the contrast.
   */
  readonly value: 'probability' | 'rouge1' | 'exact-match' | 'forgetting' | 'forgetting-binary';
  readonly points: readonly CurvePoint[];
}

/** Binary forgetting under another threshold φ: means over the runs of one scale of the primary arm. */
export interface ThresholdPoint {
  readonly model: string;
  readonly x: number;
  readonly phi: number;
  readonly unsafe: number | null;
  readonly safe: number | null;
  readonly task: number | null;
  /** Mean over runs of min(unsafe − safe, unsafe − task). */
  readonly smaller: number | null;
}

export const CONTROL_OUTCOMES = ['passed', 'failed', 'undecided', 'not-run'] as const;
export type ControlOutcome = (typeof CONTROL_OUTCOMES)[number];

export interface ControlResult {
  readonly arm: string;
  readonly kind: ControlKind;
  /** In words: what must be seen. */
  readonly expectation: string;
  readonly outcome: ControlOutcome;
  /** In words: what was seen. */
  readonly seen: string;
  /** Largest scale at which the control ran; null when it did not run. */
  readonly model: string | null;
  readonly estimate: Estimate | null;
}

export interface MissingRun {
  readonly run: string;
  readonly arm: string;
  readonly why: string;
}

/** The primary contrast again, on the items that were learned at every scale by the same seed. */
export interface Sensitivity {
  /** Share of all items that is in the intersection, per class. */
  readonly share: Readonly<Record<ExampleClass, number>>;
  readonly scales: readonly {
    readonly model: string;
    readonly x: number;
    readonly continuous: Estimate | null;
    readonly binary: Estimate | null;
  }[];
  readonly tests: Readonly<Record<PrimaryMeasure, MeasureTests>>;
  /** Verdict that the table would give on these items, before caps. */
  readonly raw: string;
  /** Least-squares slope of the contrast (continuous) on the least learned share of its run, with its standard error; null when all shares are equal. */
  readonly slopeOnLearnedShare: { readonly slope: number; readonly se: number | null } | null;
}

/** Everything that the tables say. Plain data: `statisticsDigest` covers all of it but `tables`. */
export interface ForgettingAnalysis {
  readonly format: 'lethe-forgetting/1';
  readonly plan: AnalysisPlan;
  /** Hash of the sweep's plan; null when the tables came without one. */
  readonly planHash: string | null;
  /** Content of SYNTHETIC: what synthetic tables demonstrate; null for measured ones. */
  readonly synthetic: string | null;
  readonly rows: number;
  readonly scaleCount: number;
  /** Seeds a scale, the least over the scales of the primary arm. */
  readonly seedCount: number;
  /** Decades of non-embedding parameters between the smallest and the largest scale. */
  readonly spanDecades: number;
  readonly arms: readonly ArmForgetting[];
  readonly runs: readonly RunContrast[];
  readonly curves: readonly Curve[];
  readonly thresholds: readonly ThresholdPoint[];
  readonly tests: Readonly<Record<PrimaryMeasure, MeasureTests>>;
  /** Shapes fitted to the primary contrast, for display only. */
  readonly shapes: Readonly<Record<PrimaryMeasure, readonly ShapeFit[]>>;
  /** Sign of the smaller contrast at the largest scale by each continuous measure; null = cannot be computed. */
  readonly signs: Readonly<Record<'continuous' | 'nats' | 'relative', -1 | 0 | 1 | null>>;
  readonly controls: readonly ControlResult[];
  readonly plannedRuns: number;
  readonly missing: readonly MissingRun[];
  readonly sensitivity: Sensitivity | null;
  readonly interleaved: readonly InterleavedArm[];
  readonly calibration: CalibrationSummary;
  /** What a reader must know about how a number came to be (unequal variances, an anchor that stands elsewhere, …). */
  readonly notes: readonly string[];
  readonly verdict: Verdict;
}

export interface CalibrationSummary {
  readonly record: CalibrationRecord | null;
  /** Whether the record is for this many scales and seeds and no less noise; `reason` says why not. */
  readonly applies: boolean;
  readonly reason: string;
}
