import { dot, leastSquares } from './least-squares.ts';
import { fitLogistic, logisticAt, logisticGradient } from './logistic-fit.ts';
import { cachedQuantile, meanOf, type ValuesByScale } from './run-spread.ts';
import type { LeaveLargestOut, Prediction } from './scale-test.ts';

/**
 * T3: the largest scale predicted from a line, and from a logistic, fitted to the runs of the smaller scales. The 95 % interval is for the mean of as many
 * runs as the largest scale has; the logistic's by the delta method, and only from 4 smaller scales on.
 */
export function leaveLargestOut(values: ValuesByScale, x: readonly number[]): LeaveLargestOut | null {
  const largest = values[values.length - 1];
  const at = x[x.length - 1];
  if (largest === undefined || at === undefined || largest.length === 0) return null;
  const xs: number[] = [];
  const ys: number[] = [];
  values.slice(0, -1).forEach((cell, k) => {
    for (const value of cell) {
      xs.push(x[k] as number);
      ys.push(value);
    }
  });
  const observed = meanOf(largest);
  return { observed, line: byLine(), logistic: byLogistic() };

  function byLine(): Prediction | null {
    const fit = leastSquares([xs.map(() => 1), xs], ys);
    if (fit === null || fit.df < 1) return null;
    const gradient = [1, at as number];
    return prediction(dot(fit.coefficients, gradient), gradient, fit.inverse, fit.rss / fit.df, fit.df);
  }

  function byLogistic(): Prediction | null {
    const fit = fitLogistic(xs, ys);
    const df = xs.length - 3;
    if (fit === null || df < 1) return null;
    const gradient = logisticGradient(fit, at as number);
    return prediction(logisticAt(fit, at as number), gradient, fit.inverse, fit.rss / df, df);
  }

  function prediction(
    predicted: number,
    gradient: readonly number[],
    inverse: readonly (readonly number[])[],
    variance: number,
    df: number,
  ): Prediction {
    const leverage = dot(
      gradient,
      inverse.map((row) => dot(row, gradient)),
    );
    const half =
      cachedQuantile(0.975, df) * Math.sqrt(variance * (1 / (largest as readonly number[]).length + leverage));
    return {
      predicted,
      interval: [predicted - half, predicted + half],
      outside: observed < predicted - half || observed > predicted + half,
    };
  }
}
