import { onsetDirections } from './onset-directions.ts';
import { type PhiloxKey, PhiloxStream } from './philox.ts';

/** Null distributions that depend only on the scales and the number of seeds: simulated once, used for every measure and every calibration draw. */
export interface SimulatedNulls {
  /** T2's statistic under no onset, ascending. Empty where T2 is not available. */
  readonly onset: Float64Array;
  /** Ratio of the largest to the smallest of the scales' variances that equal variances exceed with probability α; NaN with fewer than two testable scales. */
  readonly varianceRatio: number;
}

export function simulateNulls(options: {
  readonly x: readonly number[];
  readonly counts: readonly number[];
  readonly draws: number;
  readonly alpha: number;
  readonly key: PhiloxKey;
}): SimulatedNulls {
  const { x, counts, draws, alpha, key } = options;
  const degrees = counts.map((count) => Math.max(0, count - 1));
  const df = degrees.reduce((sum, own) => sum + own, 0);
  const directions = onsetDirections(x, counts);
  const testable = degrees.filter((own) => own > 0).length;
  const onset = new Float64Array(directions.length > 0 && df > 0 ? draws : 0);
  const ratios = new Float64Array(testable > 1 ? draws : 0);
  const normals = new Float64Array(x.length);
  const stream = new PhiloxStream(key, 'onset-null');
  for (let draw = 0; draw < draws; draw += 1) {
    stream.reset(0, draw);
    for (let k = 0; k < normals.length; k += 1) normals[k] = stream.normal();
    let squares = 0;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (const own of degrees) {
      if (own === 0) continue;
      let sum = 0;
      for (let i = 0; i < own; i += 1) sum += stream.normal() ** 2;
      squares += sum;
      least = Math.min(least, sum / own);
      most = Math.max(most, sum / own);
    }
    if (ratios.length > 0) ratios[draw] = most / least;
    if (onset.length === 0) continue;
    let largest = Number.NEGATIVE_INFINITY;
    for (const { unit } of directions) {
      let dot = 0;
      for (let k = 0; k < normals.length; k += 1) dot += (unit[k] as number) * (normals[k] as number);
      if (dot > largest) largest = dot;
    }
    onset[draw] = largest / Math.sqrt(squares / df);
  }
  onset.sort();
  ratios.sort();
  return { onset, varianceRatio: ratios.length > 0 ? upperQuantile(ratios, alpha) : Number.NaN };
}

/** The value that a share `alpha` of the ascending draws exceeds. */
export function upperQuantile(ascending: Float64Array, alpha: number): number {
  return ascending[Math.min(ascending.length - 1, Math.ceil((1 - alpha) * ascending.length) - 1)] ?? Number.NaN;
}

/** p of a statistic among ascending simulated draws: (1 + #{draw ≥ statistic}) / (1 + draws). */
export function simulatedP(ascending: Float64Array, statistic: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < statistic) low = middle + 1;
    else high = middle;
  }
  return (1 + ascending.length - low) / (1 + ascending.length);
}
