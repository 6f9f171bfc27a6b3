import { studentSurvival } from './distributions.ts';
import { leastSquares } from './least-squares.ts';
import { logGamma } from './special-functions.ts';

/**
 * Davies' bound for a change of slope at an unknown place (Davies 2002, for a normal response with unknown variance): y = a + b·x + γ(x − ψ)₊, H0 γ = 0, two-sided,
 * t statistics at the candidates `onsets`. Its null assumes independent runs about a straight line, so a smooth bent curve rejects it too: for display only.
 */
export function daviesTest(x: readonly number[], y: readonly number[], onsets: readonly number[]): number | null {
  const ones = x.map(() => 1);
  const df = x.length - 3;
  if (df < 1) return null;
  let largest = 0;
  let variation = 0;
  let previousAngle = Number.NaN;
  for (const onset of onsets) {
    const fit = leastSquares([x.map((at) => Math.max(0, at - onset)), ones, x], y);
    if (fit === null || fit.rss <= 0) continue;
    const z = (fit.coefficients[0] as number) / Math.sqrt((fit.inverse[0] as readonly number[])[0] as number);
    largest = Math.max(largest, Math.abs(z) / Math.sqrt(fit.rss / df));
    const angle = Math.asin(Math.sqrt((z * z) / (z * z + fit.rss)));
    if (!Number.isNaN(previousAngle)) variation += Math.abs(angle - previousAngle);
    previousAngle = angle;
  }
  if (Number.isNaN(previousAngle)) return null;
  const share = (largest * largest) / (df + largest * largest);
  const ratio = Math.exp(logGamma((df + 1) / 2) - logGamma(df / 2));
  const bound = (variation * (1 - share) ** ((df - 1) / 2) * ratio) / (2 * Math.sqrt(Math.PI));
  return Math.min(1, 2 * (studentSurvival(largest, df) + bound));
}
