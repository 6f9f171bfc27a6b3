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
  const blocks = seeds.map((seed) => {
    const own = values.filter((value) => value.seed === seed).sort((a, b) => a.scale - b.scale);
    const centre = own.reduce((sum, value) => sum + (x[value.scale] as number), 0) / own.length;
    return {
      scales: own.map((value) => value.scale),
      centred: own.map((value) => (x[value.scale] as number) - centre),
      values: own.map((value) => value.value),
    };
  });
  const spread = blocks.reduce((sum, block) => sum + block.centred.reduce((s, c) => s + c * c, 0), 0);
  if (spread === 0) return null;

  const arranged = blocks.map((block) => [...block.values]);
  const product = (): number => {
    let sum = 0;
    blocks.forEach((block, s) => {
      const own = arranged[s] as number[];
      for (let i = 0; i < own.length; i += 1) sum += (block.centred[i] as number) * (own[i] as number);
    });
    return sum;
  };
  const jonckheere = jonckheereCounter(
    blocks.map((block) => block.scales),
    arranged,
  );

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

  const permutations = blocks.reduce((n, block) => n * factorial(block.values.length), 1);
  const exact = permutations <= EXACT_LIMIT;
  if (exact) {
    permuteAll(arranged, 0, count);
  } else {
    const stream = new PhiloxStream(key, 'permutation');
    for (let draw = 0; draw < SAMPLED_DRAWS; draw += 1) {
      stream.reset(0, draw);
      for (const own of arranged) shuffle(own, stream);
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
function jonckheereCounter(scales: readonly (readonly number[])[], values: readonly number[][]): () => number {
  const scaleOf = scales.flat();
  const smaller: number[] = [];
  const larger: number[] = [];
  scaleOf.forEach((a, i) => {
    scaleOf.forEach((b, j) => {
      if (a >= b) return;
      smaller.push(i);
      larger.push(j);
    });
  });
  const lower = Int32Array.from(smaller);
  const upper = Int32Array.from(larger);
  const flat = new Float64Array(scaleOf.length);
  return () => {
    let at = 0;
    for (const own of values) for (const value of own) flat[at++] = value;
    let sum = 0;
    for (let pair = 0; pair < lower.length; pair += 1) {
      const difference = (flat[upper[pair] as number] as number) - (flat[lower[pair] as number] as number);
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

/** Calls `visit` once for each arrangement of all blocks. */
function permuteAll(blocks: number[][], block: number, visit: () => void): void {
  const own = blocks[block];
  if (own === undefined) {
    visit();
    return;
  }
  const place = (from: number): void => {
    if (from >= own.length - 1) {
      permuteAll(blocks, block + 1, visit);
      return;
    }
    for (let other = from; other < own.length; other += 1) {
      swap(own, from, other);
      place(from + 1);
      swap(own, from, other);
    }
  };
  place(0);
}

function shuffle(values: number[], stream: PhiloxStream): void {
  for (let i = values.length - 1; i > 0; i -= 1) swap(values, i, stream.below(i + 1));
}

function swap(values: number[], i: number, j: number): void {
  const kept = values[i] as number;
  values[i] = values[j] as number;
  values[j] = kept;
}
