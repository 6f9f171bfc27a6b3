import { invertSymmetric } from './least-squares.ts';

/** y = top / (1 + exp(−(x − middle) / width)): from nothing at small scales to `top`. */
export interface LogisticFit {
  readonly top: number;
  readonly middle: number;
  readonly width: number;
  readonly rss: number;
  /** Inverse of J'J at the fit, in the order top, middle, width. */
  readonly inverse: readonly (readonly number[])[];
}

const GRID_MIDDLES = 49;
const GRID_WIDTHS = 25;
const MOST_STEPS = 500;

/**
 * Least-squares logistic by a grid over (middle, width), on which the best `top` is linear, then Levenberg and Marquardt's steps. null when it cannot be
 * fitted: fewer than 4 different x, or a best fit that has run out of the range where it differs from a line, an exponential or a step.
 */
export function fitLogistic(x: readonly number[], y: readonly number[]): LogisticFit | null {
  if (new Set(x).size < 4) return null;
  const low = Math.min(...x);
  const span = Math.max(...x) - low;
  let best: [number, number, number] = [0, low, span];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < GRID_MIDDLES; i += 1) {
    const middle = low + span * (-0.5 + (2 * i) / (GRID_MIDDLES - 1));
    for (let j = 0; j < GRID_WIDTHS; j += 1) {
      const width = span * 0.01 * 100 ** (j / (GRID_WIDTHS - 1));
      let gg = 0;
      let gy = 0;
      for (let n = 0; n < x.length; n += 1) {
        const g = sigmoid(((x[n] as number) - middle) / width);
        gg += g * g;
        gy += g * (y[n] as number);
      }
      if (gg < 1e-12) continue;
      const top = gy / gg;
      const rss = residuals([top, middle, width], x, y);
      if (rss < least) {
        least = rss;
        best = [top, middle, width];
      }
    }
  }
  const refined = levenbergMarquardt(best, x, y);
  if (refined === null) return null;
  const [top, middle, width] = refined.parameters;
  const escaped = middle < low - span || middle > low + 2 * span || width > 2 * span || width < span * 0.002;
  return escaped ? null : { top, middle, width, rss: refined.rss, inverse: refined.inverse };
}

export function logisticAt(fit: { top: number; middle: number; width: number }, x: number): number {
  return fit.top * sigmoid((x - fit.middle) / fit.width);
}

/** Derivatives by top, middle and width. */
export function logisticGradient(fit: { top: number; middle: number; width: number }, x: number): number[] {
  const z = (x - fit.middle) / fit.width;
  const g = sigmoid(z);
  const slope = (fit.top * g * (1 - g)) / fit.width;
  return [g, -slope, -slope * z];
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

type Parameters = [top: number, middle: number, width: number];

function residuals(p: Parameters, x: readonly number[], y: readonly number[]): number {
  let rss = 0;
  for (let n = 0; n < x.length; n += 1) {
    rss += ((y[n] as number) - p[0] * sigmoid(((x[n] as number) - p[1]) / p[2])) ** 2;
  }
  return rss;
}

function levenbergMarquardt(
  start: Parameters,
  x: readonly number[],
  y: readonly number[],
): { parameters: Parameters; rss: number; inverse: number[][] } | null {
  let parameters = start;
  let rss = residuals(parameters, x, y);
  let damping = 1e-3;
  for (let step = 0; step < MOST_STEPS && damping < 1e14; step += 1) {
    const { normal, gradient } = linearized(parameters, x, y);
    const damped = normal.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + 1e-300 : value)));
    const inverse = invertSymmetric(damped);
    if (inverse === null) {
      damping *= 10;
      continue;
    }
    const move = inverse.map((row) => row.reduce((sum, value, j) => sum + value * (gradient[j] as number), 0));
    const next = parameters.map((value, i) => value + (move[i] as number)) as Parameters;
    const nextRss = next[2] > 0 ? residuals(next, x, y) : Number.POSITIVE_INFINITY;
    if (nextRss <= rss) {
      const moved = Math.max(...move.map((value, i) => Math.abs(value) / (1e-3 + Math.abs(parameters[i] as number))));
      parameters = next;
      rss = nextRss;
      damping = Math.max(1e-12, damping / 10);
      if (moved < 1e-13) break;
    } else damping *= 10;
  }
  const inverse = invertSymmetric(linearized(parameters, x, y).normal);
  return inverse === null ? null : { parameters, rss, inverse };
}

function linearized(
  p: Parameters,
  x: readonly number[],
  y: readonly number[],
): { normal: number[][]; gradient: number[] } {
  const normal = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const gradient = [0, 0, 0];
  const fit = { top: p[0], middle: p[1], width: p[2] };
  for (let n = 0; n < x.length; n += 1) {
    const slopes = logisticGradient(fit, x[n] as number);
    const residual = (y[n] as number) - logisticAt(fit, x[n] as number);
    for (let i = 0; i < 3; i += 1) {
      gradient[i] = (gradient[i] as number) + (slopes[i] as number) * residual;
      const row = normal[i] as number[];
      for (let j = 0; j < 3; j += 1) row[j] = (row[j] as number) + (slopes[i] as number) * (slopes[j] as number);
    }
  }
  return { normal, gradient };
}
