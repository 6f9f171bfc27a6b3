import { type OnsetDirection, onsetDirections } from './onset-directions.ts';
import type { RunSpread } from './run-spread.ts';
import type { OnsetTest } from './scale-test.ts';
import { type SimulatedNulls, simulatedP, upperQuantile } from './simulated-nulls.ts';

/** Below this the runs of a scale are alike, and what is left is rounding: nothing to judge a bend by. */
const LEAST_SIGMA = 1e-12;

/** T2: is there an upward change of slope that the spread between seeds does not explain? Requires df > 0 and 4 scales; otherwise null. */
export function onsetTest(
  spread: RunSpread,
  x: readonly number[],
  nulls: SimulatedNulls,
  alpha: number,
): OnsetTest | null {
  const directions = onsetDirections(x, spread.counts);
  if (directions.length === 0 || spread.df === 0 || !(spread.sigma > LEAST_SIGMA) || nulls.onset.length === 0)
    return null;
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
