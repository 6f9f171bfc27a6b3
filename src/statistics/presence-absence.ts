import { studentSurvival } from './distributions.ts';
import { cachedQuantile, studentInterval } from './run-spread.ts';
import type { EquivalenceTest, PresenceTest, ScaleCell } from './scale-test.ts';

/** E1: the one-sided lower bound of the contrast lies above the smallest effect. */
export function presenceTest(cell: ScaleCell, smallestEffect: number, alpha: number): PresenceTest {
  if (cell.se === null || cell.df === null) return { model: cell.model, lowerBound: null, p: null, holds: false };
  const lowerBound = cell.mean - cachedQuantile(1 - alpha, cell.df) * cell.se;
  const p = upperP(cell.mean - smallestEffect, cell.se, cell.df);
  return { model: cell.model, lowerBound, p, holds: p < alpha };
}

/** E2: two one-sided tests (TOST); they hold together exactly when the 1 − 2α interval lies inside ±smallestEffect. */
export function equivalenceTest(cell: ScaleCell, smallestEffect: number, alpha: number): EquivalenceTest {
  if (cell.se === null || cell.df === null) return { model: cell.model, interval: null, p: null, holds: false };
  const above = upperP(cell.mean + smallestEffect, cell.se, cell.df);
  const below = upperP(smallestEffect - cell.mean, cell.se, cell.df);
  const p = Math.max(above, below);
  return {
    model: cell.model,
    interval: studentInterval(cell.mean, cell.se, cell.df, 1 - 2 * alpha),
    p,
    holds: p < alpha,
  };
}

function upperP(distance: number, se: number, df: number): number {
  if (se === 0) return distance > 0 ? 0 : 1;
  return studentSurvival(distance / se, df);
}
