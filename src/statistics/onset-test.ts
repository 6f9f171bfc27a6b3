import type { RunSpread } from './run-spread.ts';
import type { OnsetTest } from './scale-test.ts';
import { type SimulatedNulls, simulatedP, upperQuantile } from './simulated-nulls.ts';

const GRID_POINTS = 9;
const LEAST_SCALES = 4;

/** An onset at ψ as a unit vector over the scales, free of what a straight line explains. */
export interface OnsetDirection {
  readonly onset: number;
  readonly unit: readonly number[];
}

/**
 * The directions of T2: for ψ on 9 points between the second and the last but one scale, the unit residual of (x − ψ)₊ after {1, x}, each scale
 * weighted by √seeds. Empty with fewer than 4 scales: three means cannot tell an onset from a bent line.
 */
export function onsetDirections(x: readonly number[], counts: readonly number[]): readonly OnsetDirection[] {
  if (x.length < LEAST_SCALES || counts.some((count) => count === 0)) return [];
  const first = x[1] as number;
  const last = x[x.length - 2] as number;
  const roots = counts.map(Math.sqrt);
  const directions: OnsetDirection[] = [];
  for (let i = 0; i < GRID_POINTS; i += 1) {
    const onset = first + ((last - first) * i) / (GRID_POINTS - 1);
    const hinge = x.map((at, k) => (roots[k] as number) * Math.max(0, at - onset));
    const unit = residualAfterLine(hinge, x, roots);
    const length = Math.sqrt(unit.reduce((sum, value) => sum + value * value, 0));
    if (length > 1e-12) directions.push({ onset, unit: unit.map((value) => value / length) });
  }
  return directions;
}

/** T2: is there an upward change of slope that the spread between seeds does not explain? Requires df > 0 and 4 scales; otherwise null. */
export function onsetTest(
  spread: RunSpread,
  x: readonly number[],
  nulls: SimulatedNulls,
  alpha: number,
): OnsetTest | null {
  const directions = onsetDirections(x, spread.counts);
  if (directions.length === 0 || spread.df === 0 || !(spread.sigma > 0) || nulls.onset.length === 0) return null;
  const weighted = spread.means.map((mean, k) => mean * Math.sqrt(spread.counts[k] as number));
  let best = directions[0] as OnsetDirection;
  let statistic = Number.NEGATIVE_INFINITY;
  for (const direction of directions) {
    let dot = 0;
    for (let k = 0; k < weighted.length; k += 1) dot += (direction.unit[k] as number) * (weighted[k] as number);
    if (dot / spread.sigma > statistic) {
      statistic = dot / spread.sigma;
      best = direction;
    }
  }
  const critical = upperQuantile(nulls.onset, alpha);
  const p = simulatedP(nulls.onset, statistic);
  const holds = p < alpha;
  // A spread τ of the scales adds τ²·Σ u²·seeds to the variance of the statistic's numerator; the tipping point makes it equal the critical value.
  const gain = best.unit.reduce((sum, value, k) => sum + value * value * (spread.counts[k] as number), 0);
  const excess = (statistic / critical) ** 2 - 1;
  return {
    statistic,
    onsetX: best.onset,
    p,
    critical,
    draws: nulls.onset.length,
    holds,
    tippingTau: holds ? spread.sigma * Math.sqrt(Math.max(0, excess) / gain) : null,
  };
}

function residualAfterLine(values: readonly number[], x: readonly number[], roots: readonly number[]): number[] {
  let weight = 0;
  let sumX = 0;
  let sumY = 0;
  x.forEach((at, k) => {
    const root = roots[k] as number;
    weight += root * root;
    sumX += root * root * at;
    sumY += root * (values[k] as number);
  });
  const meanX = sumX / weight;
  const meanY = sumY / weight;
  let xx = 0;
  let xy = 0;
  x.forEach((at, k) => {
    const root = roots[k] as number;
    xx += (root * (at - meanX)) ** 2;
    xy += root * (at - meanX) * ((values[k] as number) - root * meanY);
  });
  const slope = xy / xx;
  return values.map((value, k) => value - (roots[k] as number) * (meanY + slope * ((x[k] as number) - meanX)));
}
