import { regularizedBeta, upperGamma } from './special-functions.ts';

/** P(Z > z), exact in the far tail. */
export function normalSurvival(z: number): number {
  const tail = 0.5 * upperGamma(0.5, (z * z) / 2);
  return z >= 0 ? tail : 1 - tail;
}

/** P(T > t) with `df` degrees of freedom. */
export function studentSurvival(t: number, df: number): number {
  if (Number.isNaN(t)) return Number.NaN;
  if (t === Number.POSITIVE_INFINITY) return 0;
  if (t === Number.NEGATIVE_INFINITY) return 1;
  const tail = 0.5 * regularizedBeta(df / (df + t * t), df / 2, 0.5);
  return t >= 0 ? tail : 1 - tail;
}

/** t with P(T ≤ t) = p. */
export function studentQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, df);
  return solveDecreasing((t) => studentSurvival(t, df), 1 - p);
}

/** z with P(Z ≤ z) = p. */
export function normalQuantile(p: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -normalQuantile(1 - p);
  return solveDecreasing(normalSurvival, 1 - p);
}

/** P(F > f) with d1 and d2 degrees of freedom. */
export function fSurvival(f: number, d1: number, d2: number): number {
  return f <= 0 ? 1 : regularizedBeta(d2 / (d2 + d1 * f), d2 / 2, d1 / 2);
}

/** P(χ² > x) with `df` degrees of freedom. */
export function chiSquareSurvival(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/** The positive t where a decreasing survival function equals `target`: bracket by doubling, then bisection to the last bit. */
function solveDecreasing(survival: (t: number) => number, target: number): number {
  let low = 0;
  let high = 1;
  while (survival(high) > target) {
    low = high;
    high *= 2;
    if (high > 1e300) return Number.POSITIVE_INFINITY;
  }
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle === low || middle === high) return middle;
    if (survival(middle) > target) low = middle;
    else high = middle;
  }
}
