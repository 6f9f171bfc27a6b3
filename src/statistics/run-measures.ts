import type { AnalysisPlan } from '../experiment/analysis-plan.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import type { Contrast, Measure, PrimaryMeasure } from './analysis.ts';
import { MEASURES } from './analysis.ts';
import { clusteredError, clusteredErrorOfDifference } from './clustered-error.ts';
import { type ContrastAnchors, chooseAnchors } from './contrast-anchors.ts';
import { curvesOfRun, type RunCurve } from './run-curves.ts';
import { type AnchorScores, byCodeUnit, type RunScores } from './run-scores.ts';
import type { RunRow } from './score-row.ts';

/** The items of one class of one run between t0 and t*, ascending by cluster, then example. */
export interface ClassItems {
  readonly class: ExampleClass;
  readonly examples: readonly string[];
  /** Numbers of the clusters within the run, in the order of their names. */
  readonly clusters: Int32Array;
  readonly learned: Uint8Array;
  /** Drop of the geometric-mean token probability, of nats per token and of ROUGE-1 between t0 and t*. */
  readonly probabilityDrop: Float64Array;
  readonly natsDrop: Float64Array;
  readonly rougeDrop: Float64Array;
  /** Gain in nats per token of the finetune session; NaN where the example was not scored before it. */
  readonly natsGain: Float64Array;
  /** Share known before the finetune session; NaN without such an anchor. */
  readonly knownBefore: number;
}

/** What the tests need of one run; its rows are not needed after this. */
export interface RunMeasures {
  readonly run: RunRow;
  readonly rows: number;
  /** null when the run has no finetune session with a review after it, or lacks rows at their ends; `why` says which. */
  readonly contrast: RunContrastMeasures | null;
  readonly why: string;
  readonly curves: readonly RunCurve[];
}

export interface RunContrastMeasures {
  readonly anchors: ContrastAnchors;
  readonly items: Readonly<Record<ExampleClass, ClassItems>>;
  readonly means: Readonly<Record<ExampleClass, Readonly<Record<Measure, number>>>>;
  readonly seClustered: Readonly<Record<ExampleClass, Readonly<Record<Measure, number>>>>;
  readonly contrasts: Readonly<Record<Measure, Readonly<Record<Contrast, number>>>>;
  readonly contrastErrors: Readonly<Record<PrimaryMeasure, Readonly<Record<'unsafe-safe' | 'unsafe-task', number>>>>;
  /** Largest change of any item's log-probability per token between t0 and t*: exactly 0 when nothing was trained. */
  readonly largestChange: number;
}

/** Least mean gain (nats per token) for a relative measure: below it the denominator is noise, as for items known before. */
const LEAST_GAIN = 0.5;
const LEARNED_ROUGE = 0.9;
/** ROUGE values are ratios: .8 − .7 must not exceed .1 by a rounding error. */
const ROUNDING = 1e-9;

export function measureRun(scores: RunScores, plan: AnalysisPlan): RunMeasures {
  const chosen = chooseAnchors(scores, plan.anchorFraction);
  const selection = selectItems(scores, plan.notion);
  const base = { run: scores.run, rows: scores.rows };
  if ('why' in chosen) {
    return { ...base, contrast: null, why: chosen.why, curves: curvesOfRun(scores, selection, null) };
  }
  const clusterNumbers = numberClusters(scores.clusters);
  const items = Object.fromEntries(
    EXAMPLE_CLASSES.map((name) => [name, itemsOf(name, scores, selection[name], clusterNumbers, chosen, plan)]),
  ) as Record<ExampleClass, ClassItems>;
  const empty = EXAMPLE_CLASSES.filter((name) => items[name].examples.length === 0);
  if (empty.length > 0) {
    const why = `no ${empty.join(', ')} example is scored both at the end of the finetune session and at the review anchor`;
    return { ...base, contrast: null, why, curves: curvesOfRun(scores, selection, null) };
  }
  const learnedOf = (name: ExampleClass): Set<string> =>
    new Set(items[name].examples.filter((_, i) => items[name].learned[i] === 1));
  const curves = curvesOfRun(scores, selection, {
    anchors: chosen,
    learned: { unsafe: learnedOf('unsafe'), safe: learnedOf('safe'), task: learnedOf('task') },
    rougeDrop: plan.rougeDrop + ROUNDING,
  });
  const contrast = contrastOf(chosen, items, plan, curves);
  return { ...base, contrast, why: '', curves };
}

/** Indices of the examples of each class. Task examples of any notion count when none has the plan's. */
export function selectItems(scores: RunScores, notion: string): Record<ExampleClass, Int32Array> {
  const selected: Record<ExampleClass, number[]> = { unsafe: [], safe: [], task: [] };
  const foreignTask: number[] = [];
  for (let i = 0; i < scores.examples.length; i += 1) {
    const name = EXAMPLE_CLASSES[scores.classes[i] as number] as ExampleClass;
    if (scores.notions[i] === notion) selected[name].push(i);
    else if (name === 'task') foreignTask.push(i);
  }
  if (selected.task.length === 0) selected.task = foreignTask;
  return {
    unsafe: Int32Array.from(selected.unsafe),
    safe: Int32Array.from(selected.safe),
    task: Int32Array.from(selected.task),
  };
}

function numberClusters(clusters: readonly string[]): Int32Array {
  const names = [...new Set(clusters)].sort(byCodeUnit);
  const numbers = new Map(names.map((name, number) => [name, number]));
  return Int32Array.from(clusters, (name) => numbers.get(name) as number);
}

function itemsOf(
  name: ExampleClass,
  scores: RunScores,
  selected: Int32Array,
  clusterNumbers: Int32Array,
  anchors: ContrastAnchors,
  plan: AnalysisPlan,
): ClassItems {
  const { before, learned, review } = anchors;
  const present = [...selected].filter(
    (i) => !Number.isNaN(learned.nats[i] as number) && !Number.isNaN(review.nats[i] as number),
  );
  present.sort((a, b) => (clusterNumbers[a] as number) - (clusterNumbers[b] as number) || a - b);
  const drop = (value: (anchor: AnchorScores, i: number) => number): Float64Array =>
    Float64Array.from(present, (i) => value(learned, i) - value(review, i));
  const isLearned = (anchor: AnchorScores, i: number): boolean =>
    probability(anchor, i) >= plan.learnedProbability &&
    (anchor.exact[i] === 1 || (anchor.rouge1[i] as number) >= LEARNED_ROUGE - ROUNDING);
  let known = 0;
  let scoredBefore = 0;
  for (const i of present) {
    if (before === null || Number.isNaN(before.nats[i] as number)) continue;
    scoredBefore += 1;
    if (probability(before, i) >= plan.learnedProbability) known += 1;
  }
  return {
    class: name,
    examples: present.map((i) => scores.examples[i] as string),
    clusters: Int32Array.from(present, (i) => clusterNumbers[i] as number),
    learned: Uint8Array.from(present, (i) => (isLearned(learned, i) ? 1 : 0)),
    probabilityDrop: drop(probability),
    natsDrop: drop((anchor, i) => anchor.nats[i] as number),
    rougeDrop: drop((anchor, i) => anchor.rouge1[i] as number),
    natsGain: Float64Array.from(present, (i) =>
      before === null ? Number.NaN : (learned.nats[i] as number) - (before.nats[i] as number),
    ),
    knownBefore: scoredBefore > 0 ? known / scoredBefore : Number.NaN,
  };
}

/** Geometric-mean token probability. */
export function probability(anchor: AnchorScores, i: number): number {
  return Math.exp(anchor.nats[i] as number);
}

export function isForgotten(rougeDrop: number, phi: number): boolean {
  return rougeDrop > phi + ROUNDING;
}

/** Values of the learned items of one class with their clusters. */
export function learnedValues(
  items: ClassItems,
  value: (i: number) => number,
): { readonly values: Float64Array; readonly clusters: Int32Array } {
  const kept: number[] = [];
  for (let i = 0; i < items.learned.length; i += 1) if (items.learned[i] === 1) kept.push(i);
  return {
    values: Float64Array.from(kept, value),
    clusters: Int32Array.from(kept, (i) => items.clusters[i] as number),
  };
}

function contrastOf(
  anchors: ContrastAnchors,
  items: Readonly<Record<ExampleClass, ClassItems>>,
  plan: AnalysisPlan,
  curves: readonly RunCurve[],
): RunContrastMeasures {
  const vectors = {} as Record<
    ExampleClass,
    Record<'continuous' | 'binary' | 'nats', ReturnType<typeof learnedValues>>
  >;
  const means = {} as Record<ExampleClass, Record<Measure, number>>;
  const errors = {} as Record<ExampleClass, Record<Measure, number>>;
  let largestChange = 0;
  for (const name of EXAMPLE_CLASSES) {
    const own = items[name];
    for (const change of own.natsDrop) largestChange = Math.max(largestChange, Math.abs(change));
    vectors[name] = {
      continuous: learnedValues(own, (i) => own.probabilityDrop[i] as number),
      binary: learnedValues(own, (i) => (isForgotten(own.rougeDrop[i] as number, plan.rougeDrop) ? 1 : 0)),
      nats: learnedValues(own, (i) => own.natsDrop[i] as number),
    };
    const gains = learnedValues(own, (i) => own.natsGain[i] as number).values;
    const gain = meanOfArray(gains);
    const lost = meanOfArray(vectors[name].nats.values);
    means[name] = {
      continuous: meanOfArray(vectors[name].continuous.values),
      binary: meanOfArray(vectors[name].binary.values),
      nats: lost,
      relative: gain >= LEAST_GAIN ? lost / gain : Number.NaN,
      legacy: meanOfArray(own.rougeDrop),
      area: areaUnderForgetting(name, curves, anchors),
    };
    errors[name] = {
      continuous: clusteredError(vectors[name].continuous.values, vectors[name].continuous.clusters),
      binary: clusteredError(vectors[name].binary.values, vectors[name].binary.clusters),
      nats: clusteredError(vectors[name].nats.values, vectors[name].nats.clusters),
      relative: Number.NaN,
      legacy: clusteredError(own.rougeDrop, own.clusters),
      area: Number.NaN,
    };
  }
  const contrasts = Object.fromEntries(
    MEASURES.map((measure) => [measure, contrastsOf(means.unsafe[measure], means.safe[measure], means.task[measure])]),
  ) as Record<Measure, Record<Contrast, number>>;
  const errorOf = (measure: PrimaryMeasure) => ({
    'unsafe-safe': clusteredErrorOfDifference(vectors.unsafe[measure], vectors.safe[measure]),
    'unsafe-task': clusteredErrorOfDifference(vectors.unsafe[measure], vectors.task[measure]),
  });
  return {
    anchors,
    items,
    means,
    seClustered: errors,
    contrasts,
    contrastErrors: { continuous: errorOf('continuous'), binary: errorOf('binary') },
    largestChange,
  };
}

export function contrastsOf(unsafe: number, safe: number, task: number): Record<Contrast, number> {
  const overSafe = unsafe - safe;
  const overTask = unsafe - task;
  return { 'unsafe-safe': overSafe, 'unsafe-task': overTask, smaller: Math.min(overSafe, overTask) };
}

export function meanOfArray(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i] as number;
  return values.length > 0 ? sum / values.length : Number.NaN;
}

/** Trapezoids over the review's anchors, steps scaled to 0–1; nothing is forgotten at step 0. */
function areaUnderForgetting(name: ExampleClass, curves: readonly RunCurve[], anchors: ContrastAnchors): number {
  const curve = curves.find(
    (candidate) =>
      candidate.session === anchors.reviewSession && candidate.class === name && candidate.value === 'forgetting',
  );
  if (curve === undefined) return Number.NaN;
  let area = 0;
  let lastStep = 0;
  let lastMean = 0;
  for (const { step, mean } of curve.points) {
    if (step === 0) continue;
    area += ((step - lastStep) * (mean + lastMean)) / 2;
    lastStep = step;
    lastMean = mean;
  }
  return lastStep > 0 ? area / lastStep : Number.NaN;
}
