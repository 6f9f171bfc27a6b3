import { type PhiloxKey, PhiloxStream } from './philox.ts';
import type { TrendTest } from './scale-test.ts';

/** One run's contrast: the scales are numbered from the smallest, `x` is the position of each. */
export interface TrendValue {
  readonly scale: number;
  readonly seed: number;
  readonly value: number;
}

const EXACT_LIMIT = 100_000;
const SAMPLED_DRAWS = 10_000;

/**
 * T1: does the contrast grow with scale? Statistic Σ x_k·D_ks with x centred within each seed; the labels of the scales are permuted within each seed
 * (a seed fixes data and order at every scale, so runs of one seed are exchangeable when scale does not matter). Exact when there are at most 1e5
 * permutations, else 10,000 draws with p = (1 + #{≥})/(1 + draws). Jonckheere and Terpstra's J is counted on the same permutations. One-sided, upwards.
 */
export function trendTest(values: readonly TrendValue[], x: readonly number[], key: PhiloxKey): TrendTest | null {
  const seeds = [...new Set(values.map((value) => value.seed))].sort((a, b) => a - b);
  const blocks = seeds.map((seed) => values.filter((value) => value.seed === seed).sort((a, b) => a.scale - b.scale));
  const flat = blocks.flat();
  const scales = flat.map(({ scale }) => scale);
  const centred = Float64Array.from(
    blocks.flatMap((block) => {
      const centre = block.reduce((sum, { scale }) => sum + (x[scale] as number), 0) / block.length;
      return block.map(({ scale }) => (x[scale] as number) - centre);
    }),
  );
  const spread = centred.reduce((sum, c) => sum + c * c, 0);
  if (spread === 0) return null;

  // One array for all blocks, permuted in place within each.
  const arranged = Float64Array.from(flat, ({ value }) => value);
  const ends: number[] = [];
  for (const block of blocks) ends.push((ends.at(-1) ?? 0) + block.length);
  const product = (): number => {
    let sum = 0;
    for (let i = 0; i < arranged.length; i += 1) sum += (centred[i] as number) * (arranged[i] as number);
    return sum;
  };
  const jonckheere = jonckheereCounter(scales, arranged);

  const observed = product();
  const observedJ = jonckheere();
  const tolerance = 1e-12 * (Math.abs(observed) + spread);
  let total = 0;
  let reached = 0;
  let reachedJ = 0;
  const count = (): void => {
    total += 1;
    if (product() >= observed - tolerance) reached += 1;
    if (jonckheere() >= observedJ) reachedJ += 1;
  };

  const permutations = blocks.reduce((n, block) => n * factorial(block.length), 1);
  const exact = permutations <= EXACT_LIMIT;
  if (exact) {
    permuteAll(arranged, ends, 0, count);
  } else {
    const stream = new PhiloxStream(key, 'permutation');
    for (let draw = 0; draw < SAMPLED_DRAWS; draw += 1) {
      stream.reset(0, draw);
      ends.forEach((end, block) => {
        shuffle(arranged, ends[block - 1] ?? 0, end, stream);
      });
      count();
    }
  }
  const p = (hits: number): number => (exact ? hits / total : (1 + hits) / (1 + total));
  return {
    slope: observed / spread,
    p: p(reached),
    jonckheere: observedJ,
    jonckheereP: p(reachedJ),
    exact,
    permutations: total,
  };
}

/** J = Σ_{a<b} #{D_a < D_b} + ½ ties over all pairs of runs at different scales; the pairs are listed once. */
function jonckheereCounter(scales: readonly number[], values: Float64Array): () => number {
  const smaller: number[] = [];
  const larger: number[] = [];
  scales.forEach((a, i) => {
    scales.forEach((b, j) => {
      if (a >= b) return;
      smaller.push(i);
      larger.push(j);
    });
  });
  const lower = Int32Array.from(smaller);
  const upper = Int32Array.from(larger);
  return () => {
    let sum = 0;
    for (let pair = 0; pair < lower.length; pair += 1) {
      const difference = (values[upper[pair] as number] as number) - (values[lower[pair] as number] as number);
      if (difference > 0) sum += 1;
      else if (difference === 0) sum += 0.5;
    }
    return sum;
  };
}

function factorial(n: number): number {
  let product = 1;
  for (let i = 2; i <= n; i += 1) product *= i;
  return product;
}

/** Calls `visit` once for each arrangement of all blocks; block b ends before `ends[b]`. */
function permuteAll(values: Float64Array, ends: readonly number[], block: number, visit: () => void): void {
  const end = ends[block];
  if (end === undefined) {
    visit();
    return;
  }
  const place = (from: number): void => {
    if (from >= end - 1) {
      permuteAll(values, ends, block + 1, visit);
      return;
    }
    for (let other = from; other < end; other += 1) {
      swap(values, from, other);
      place(from + 1);
      swap(values, from, other);
    }
  };
  place(ends[block - 1] ?? 0);
}

function shuffle(values: Float64Array, start: number, end: number, stream: PhiloxStream): void {
  for (let i = end - 1; i > start; i -= 1) swap(values, i, start + stream.below(i - start + 1));
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] as number;
  values[i] = values[j] as number;
  values[j] = kept;
}
