import type { Estimate, Interval } from './analysis.ts';
import { studentQuantile } from './distributions.ts';

/** Values of runs by scale: `values[k]` holds one value a seed. Empty scales are allowed. */
export type ValuesByScale = readonly (readonly number[])[];

/** Means and the spread between runs of one scale, pooled over the scales. */
export interface RunSpread {
  readonly means: readonly number[];
  readonly counts: readonly number[];
  /** Variance of each scale; NaN with fewer than two runs. */
  readonly variances: readonly number[];
  /** Pooled standard deviation; NaN when df = 0. */
  readonly sigma: number;
  readonly df: number;
}

export function runSpread(values: ValuesByScale): RunSpread {
  const means: number[] = [];
  const counts: number[] = [];
  const variances: number[] = [];
  let squares = 0;
  let df = 0;
  for (const cell of values) {
    const mean = meanOf(cell);
    let sum = 0;
    for (const value of cell) sum += (value - mean) ** 2;
    means.push(mean);
    counts.push(cell.length);
    variances.push(cell.length > 1 ? sum / (cell.length - 1) : Number.NaN);
    if (cell.length > 1) {
      squares += sum;
      df += cell.length - 1;
    }
  }
  return { means, counts, variances, sigma: df > 0 ? Math.sqrt(squares / df) : Number.NaN, df };
}

export function meanOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length > 0 ? sum / values.length : Number.NaN;
}

/** 95 % t interval of a mean with standard error `se`. */
export function studentInterval(mean: number, se: number, df: number, level = 0.95): Interval {
  const half = cachedQuantile(0.5 + level / 2, df) * se;
  return [mean - half, mean + half];
}

/** Mean of each scale with the interval between runs; null where a scale has no value. */
export function estimatesByScale(
  values: ValuesByScale,
  within: readonly (number | null)[],
  bootstraps: readonly (Interval | null)[],
): (Estimate | null)[] {
  const spread = runSpread(values);
  return values.map((cell, k) => {
    const mean = spread.means[k] as number;
    if (cell.length === 0) return null;
    const se = spread.df > 0 ? spread.sigma / Math.sqrt(cell.length) : null;
    return {
      mean,
      runs: cell.length,
      se,
      interval: se === null ? null : studentInterval(mean, se, spread.df),
      seClustered: within[k] ?? null,
      bootstrap: bootstraps[k] ?? null,
    };
  });
}

/** Mean over runs with the 95 % t interval of these runs alone. */
export function meanWithInterval(values: readonly number[]): { mean: number; runs: number; interval: Interval | null } {
  const mean = meanOf(values);
  const n = values.length;
  if (n < 2) return { mean, runs: n, interval: null };
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return { mean, runs: n, interval: studentInterval(mean, Math.sqrt(sum / (n - 1) / n), n - 1) };
}

const quantiles = new Map<string, number>();

/** Curves and estimates ask for the same few quantiles thousands of times. */
export function cachedQuantile(p: number, df: number): number {
  const name = `${p}:${df}`;
  let quantile = quantiles.get(name);
  if (quantile === undefined) {
    quantile = studentQuantile(p, df);
    quantiles.set(name, quantile);
  }
  return quantile;
}
