import { fSurvival } from './distributions.ts';
import { dot, leastSquares } from './least-squares.ts';
import { fitLogistic, logisticAt } from './logistic-fit.ts';
import { runSpread, type ValuesByScale } from './run-spread.ts';
import type { Shape, ShapeFit } from './scale-test.ts';

const CURVE_POINTS = 33;
const HINGE_GRID = 201;

interface Fitted {
  readonly shape: Shape;
  readonly parameters: Readonly<Record<string, number>>;
  readonly rss: number;
  /** Parameters of the mean; the variance is one more. */
  readonly meanParameters: number;
  readonly at: (x: number) => number;
}

/**
 * T4: constant, line, logistic, hinge and step fitted to the runs by least squares, with AICc = n·ln(RSS/n) + 2k + 2k(k+1)/(n−k−1) (k counts the variance).
 * For display; it never decides, since runs of one scale share whatever belongs to that scale.
 */
export function fitShapes(values: ValuesByScale, x: readonly number[]): ShapeFit[] {
  const fits = fitAll(values, x);
  const n = values.reduce((sum, cell) => sum + cell.length, 0);
  const criteria = fits.map((fit) => {
    const k = fit.meanParameters + 1;
    return n - k - 1 > 0 && fit.rss > 0 ? n * Math.log(fit.rss / n) + 2 * k + (2 * k * (k + 1)) / (n - k - 1) : null;
  });
  const known = criteria.filter((value): value is number => value !== null);
  const least = Math.min(...known);
  const total = known.reduce((sum, value) => sum + Math.exp((least - value) / 2), 0);
  const low = Math.min(...x);
  const span = Math.max(...x) - low;
  return fits.map((fit, index) => {
    const aicc = criteria[index] ?? null;
    return {
      shape: fit.shape,
      parameters: fit.parameters,
      rss: fit.rss,
      k: fit.meanParameters + 1,
      aicc,
      weight: aicc === null ? null : Math.exp((least - aicc) / 2) / total,
      curve: Array.from({ length: CURVE_POINTS }, (_, i) => {
        const position = low + (span * i) / (CURVE_POINTS - 1);
        return { x: position, y: fit.at(position) };
      }),
    };
  });
}

export interface LackOfFit {
  /** Spread of the scale means beyond what the seeds' spread explains. */
  readonly tau: number;
  /** F test of that spread. */
  readonly p: number;
}

/**
 * How far the scale means lie from the shape that leaves least unexplained: τ = √max(0, (MS lack of fit − σ̂²) / seeds). null without error degrees of freedom,
 * or when no shape leaves a degree of freedom.
 */
export function lackOfFit(values: ValuesByScale, x: readonly number[]): LackOfFit | null {
  const spread = runSpread(values);
  if (spread.df === 0 || !(spread.sigma > 0)) return null;
  const scales = spread.counts.filter((count) => count > 0).length;
  const runs = spread.counts.reduce((sum, count) => sum + count, 0);
  const pure = spread.sigma ** 2 * spread.df;
  const fits = fitAll(values, x)
    .map((fit) => ({ df: scales - fit.meanParameters, squares: Math.max(0, fit.rss - pure) }))
    .filter(({ df }) => df > 0)
    .map(({ df, squares }) => ({ df, meanSquare: squares / df }));
  if (fits.length === 0) return null;
  const best = fits.reduce((least, fit) => (fit.meanSquare < least.meanSquare ? fit : least));
  return {
    tau: Math.sqrt(Math.max(0, (best.meanSquare - spread.sigma ** 2) / (runs / scales))),
    p: fSurvival(best.meanSquare / spread.sigma ** 2, best.df, spread.df),
  };
}

function fitAll(values: ValuesByScale, x: readonly number[]): Fitted[] {
  const xs: number[] = [];
  const ys: number[] = [];
  values.forEach((cell, k) => {
    for (const value of cell) {
      xs.push(x[k] as number);
      ys.push(value);
    }
  });
  const positions = [...new Set(xs)].sort((a, b) => a - b);
  const fits: Fitted[] = [];
  if (positions.length === 0) return fits;

  const ones = ys.map(() => 1);
  const constant = leastSquares([ones], ys);
  if (constant !== null) {
    const level = constant.coefficients[0] as number;
    fits.push({ shape: 'constant', parameters: { level }, rss: constant.rss, meanParameters: 1, at: () => level });
  }
  const line = leastSquares([ones, xs], ys);
  if (line !== null) {
    const [intercept, slope] = line.coefficients as [number, number];
    fits.push({
      shape: 'line',
      parameters: { intercept, slope },
      rss: line.rss,
      meanParameters: 2,
      at: (at) => intercept + slope * at,
    });
  }
  const logistic = fitLogistic(xs, ys);
  if (logistic !== null) {
    const { top, middle, width } = logistic;
    fits.push({
      shape: 'logistic',
      parameters: { top, middle, width },
      rss: logistic.rss,
      meanParameters: 3,
      at: (at) => logisticAt(logistic, at),
    });
  }
  const hinge = positions.length >= 3 ? fitHinge(xs, ys, ones, positions) : null;
  if (hinge !== null) fits.push(hinge);
  const step = positions.length >= 2 ? fitStep(xs, ys, positions) : null;
  if (step !== null) fits.push(step);
  return fits;
}

/** Flat until the onset, then a line: best onset on a grid between the smallest and the last but one scale, then refined. */
function fitHinge(
  xs: readonly number[],
  ys: readonly number[],
  ones: readonly number[],
  positions: readonly number[],
): Fitted | null {
  const low = positions[0] as number;
  const high = positions[positions.length - 2] as number;
  const fitAt = (onset: number) => leastSquares([ones, xs.map((at) => Math.max(0, at - onset))], ys);
  const spacing = (high - low) / (HINGE_GRID - 1);
  let best = low;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < HINGE_GRID; i += 1) {
    const rss = fitAt(low + i * spacing)?.rss ?? Number.POSITIVE_INFINITY;
    if (rss < least) {
      least = rss;
      best = low + i * spacing;
    }
  }
  const onset = goldenMinimum(
    (at) => fitAt(at)?.rss ?? Number.POSITIVE_INFINITY,
    Math.max(low, best - spacing),
    Math.min(high, best + spacing),
  );
  const fit = fitAt(onset);
  if (fit === null) return null;
  const [level, slope] = fit.coefficients as [number, number];
  return {
    shape: 'hinge',
    parameters: { level, slope, onset },
    rss: fit.rss,
    meanParameters: 3,
    at: (x) => level + slope * Math.max(0, x - onset),
  };
}

/** One level below the onset, another above; the onset lies halfway between two scales. */
function fitStep(xs: readonly number[], ys: readonly number[], positions: readonly number[]): Fitted | null {
  let best: Fitted | null = null;
  for (let k = 1; k < positions.length; k += 1) {
    const onset = ((positions[k - 1] as number) + (positions[k] as number)) / 2;
    const above = xs.map((at) => (at > onset ? 1 : 0));
    const below = above.map((flag) => 1 - flag);
    const low = dot(below, ys) / dot(below, below);
    const high = dot(above, ys) / dot(above, above);
    const rss = ys.reduce((sum, y, i) => sum + (y - (above[i] === 1 ? high : low)) ** 2, 0);
    if (best === null || rss < best.rss) {
      best = {
        shape: 'step',
        parameters: { below: low, above: high, onset },
        rss,
        meanParameters: 3,
        at: (x) => (x > onset ? high : low),
      };
    }
  }
  return best;
}

function goldenMinimum(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = from;
  let high = to;
  for (let i = 0; i < 60; i += 1) {
    const left = high - ratio * (high - low);
    const right = low + ratio * (high - low);
    if (f(left) <= f(right)) high = right;
    else low = left;
  }
  return (low + high) / 2;
}
