import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import type { Contrast, Interval, Measure } from './analysis.ts';
import { CONTRASTS } from './analysis.ts';
import { type PhiloxKey, PhiloxStream } from './philox.ts';
import { type ClassItems, isForgotten, type RunContrastMeasures } from './run-measures.ts';

/** Measures that the bootstrap draws; the area needs every anchor and has none. */
export const BOOTSTRAP_MEASURES = ['continuous', 'binary', 'nats', 'relative', 'legacy'] as const;
export type BootstrapMeasure = (typeof BOOTSTRAP_MEASURES)[number];

export interface BootstrapIntervals {
  readonly classes: Readonly<Record<ExampleClass, Readonly<Partial<Record<Measure, Interval | null>>>>>;
  readonly contrasts: Readonly<Partial<Record<Measure, Readonly<Record<Contrast, Interval | null>>>>>;
}

/** Sums kept for each item: learned, then learned × (probability drop, forgotten, nats drop, nats gain), then ROUGE-1 drop of every item. */
const FIELDS = 6;
const LEAST_GAIN = 0.5;

interface PackedClass {
  readonly fields: Float64Array;
  /** First item of each cluster, and the end. */
  readonly starts: Int32Array;
}

/**
 * 95 % percentile intervals of the means at one scale: seeds drawn from the seeds, per class template clusters from the clusters of that run, items from the items of
 * each cluster; the three classes of a run stay together. Draw b depends only on the key, the scale and b. Draws without a learned item of a class are
 * left out; with fewer than half the draws left there is no interval.
 */
export function hierarchicalBootstrap(options: {
  readonly runs: readonly RunContrastMeasures[];
  readonly phi: number;
  readonly draws: number;
  readonly key: PhiloxKey;
  /** Number of the scale's stream, different for every arm and scale. */
  readonly stream: number;
}): BootstrapIntervals {
  const { runs, draws } = options;
  const packed = runs.map((run) => EXAMPLE_CLASSES.map((name) => packClass(run.items[name], options.phi)));
  const measures = BOOTSTRAP_MEASURES.length;
  const classes = EXAMPLE_CLASSES.length;
  const classDraws = Array.from({ length: classes * measures }, () => new Float64Array(draws));
  const contrastDraws = Array.from({ length: CONTRASTS.length * measures }, () => new Float64Array(draws));
  const random = new PhiloxStream(options.key, 'bootstrap');
  const sums = new Float64Array(FIELDS);
  const means = new Float64Array(classes * measures);

  for (let draw = 0; draw < draws; draw += 1) {
    random.reset(options.stream, draw);
    for (let s = 0; s < runs.length; s += 1) {
      const run = packed[random.below(runs.length)] as readonly PackedClass[];
      for (let c = 0; c < classes; c += 1) {
        const count = drawClass(run[c] as PackedClass, random, sums);
        const learned = sums[0] as number;
        const at = c * measures;
        means[at] = (sums[1] as number) / learned;
        means[at + 1] = (sums[2] as number) / learned;
        means[at + 2] = (sums[3] as number) / learned;
        means[at + 3] =
          (sums[4] as number) >= LEAST_GAIN * learned ? (sums[3] as number) / (sums[4] as number) : Number.NaN;
        means[at + 4] = (sums[5] as number) / count;
        for (let m = 0; m < measures; m += 1) addTo(classDraws[at + m], draw, means[at + m] as number);
      }
      for (let m = 0; m < measures; m += 1) {
        const overSafe = (means[m] as number) - (means[measures + m] as number);
        const overTask = (means[m] as number) - (means[2 * measures + m] as number);
        addTo(contrastDraws[m], draw, overSafe);
        addTo(contrastDraws[measures + m], draw, overTask);
        addTo(contrastDraws[2 * measures + m], draw, Math.min(overSafe, overTask));
      }
    }
  }

  const intervalOf = (sample: Float64Array | undefined): Interval | null =>
    sample === undefined ? null : percentileInterval(sample, runs.length);
  return {
    classes: Object.fromEntries(
      EXAMPLE_CLASSES.map((name, c) => [
        name,
        Object.fromEntries(BOOTSTRAP_MEASURES.map((measure, m) => [measure, intervalOf(classDraws[c * measures + m])])),
      ]),
    ) as BootstrapIntervals['classes'],
    contrasts: Object.fromEntries(
      BOOTSTRAP_MEASURES.map((measure, m) => [
        measure,
        Object.fromEntries(CONTRASTS.map((name, c) => [name, intervalOf(contrastDraws[c * measures + m])])),
      ]),
    ) as BootstrapIntervals['contrasts'],
  };
}

function addTo(sample: Float64Array | undefined, draw: number, value: number): void {
  if (sample !== undefined) sample[draw] = (sample[draw] as number) + value;
}

/** Draws clusters and items of one class into `sums`; returns the number of items drawn. */
function drawClass(packed: PackedClass, random: PhiloxStream, sums: Float64Array): number {
  const { fields, starts } = packed;
  const clusters = starts.length - 1;
  let learned = 0;
  let probability = 0;
  let forgotten = 0;
  let lost = 0;
  let gained = 0;
  let legacy = 0;
  let count = 0;
  for (let c = 0; c < clusters; c += 1) {
    const cluster = random.below(clusters);
    const start = starts[cluster] as number;
    const size = (starts[cluster + 1] as number) - start;
    for (let i = 0; i < size; i += 1) {
      const at = (start + random.below(size)) * FIELDS;
      learned += fields[at] as number;
      probability += fields[at + 1] as number;
      forgotten += fields[at + 2] as number;
      lost += fields[at + 3] as number;
      gained += fields[at + 4] as number;
      legacy += fields[at + 5] as number;
    }
    count += size;
  }
  sums[0] = learned;
  sums[1] = probability;
  sums[2] = forgotten;
  sums[3] = lost;
  sums[4] = gained;
  sums[5] = legacy;
  return count;
}

function packClass(items: ClassItems, phi: number): PackedClass {
  const n = items.examples.length;
  const fields = new Float64Array(n * FIELDS);
  const starts: number[] = [];
  for (let i = 0; i < n; i += 1) {
    if (i === 0 || items.clusters[i] !== items.clusters[i - 1]) starts.push(i);
    const learned = items.learned[i] as number;
    const at = i * FIELDS;
    fields[at] = learned;
    // An unlearned item has no part in the means over learned items, whatever its values.
    fields[at + 1] = learned === 1 ? (items.probabilityDrop[i] as number) : 0;
    fields[at + 2] = learned === 1 && isForgotten(items.rougeDrop[i] as number, phi) ? 1 : 0;
    fields[at + 3] = learned === 1 ? (items.natsDrop[i] as number) : 0;
    fields[at + 4] = learned === 1 ? (items.natsGain[i] as number) : 0;
    fields[at + 5] = items.rougeDrop[i] as number;
  }
  starts.push(n);
  return { fields, starts: Int32Array.from(starts) };
}

/** 2.5 and 97.5 percentiles of `sample / runs`, linear between order statistics. */
function percentileInterval(sample: Float64Array, runs: number): Interval | null {
  const kept = sample.filter((value) => !Number.isNaN(value)).sort();
  if (kept.length < sample.length / 2 || kept.length === 0) return null;
  return [quantileOf(kept, 0.025) / runs, quantileOf(kept, 0.975) / runs];
}

/** Quantile of ascending values, linear interpolation at (n − 1)·p. */
export function quantileOf(ascending: ArrayLike<number>, p: number): number {
  const at = (ascending.length - 1) * p;
  const low = Math.floor(at);
  const below = ascending[low] as number;
  const above = ascending[Math.min(low + 1, ascending.length - 1)] as number;
  return below + (at - low) * (above - below);
}
