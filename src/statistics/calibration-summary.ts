import type { CalibrationSummary } from './analysis.ts';
import type { CalibrationRecord } from './calibration-record.ts';
import { chiSquareSurvival } from './distributions.ts';
import type { MeasureTests } from './scale-test.ts';

const NOISE_ALPHA = 0.05;

/** Whether a record speaks of these runs: as many scales and seeds, the same bounds, and no less noise than was measured: between seeds (χ² test of the pooled variance) and between scales (F test of the lack of fit). */
export function summarizeCalibration(
  record: CalibrationRecord | null,
  runs: {
    readonly scales: number;
    readonly seeds: number;
    readonly smallestEffect: number;
    readonly alpha: number;
    readonly tests: Pick<MeasureTests, 'sigma' | 'df' | 'lackOfFitTau' | 'lackOfFitP'>;
  },
): CalibrationSummary {
  if (record === null) {
    return { record, applies: false, reason: 'There is no calibration record for this plan, so SHARP cannot be said.' };
  }
  const no = (reason: string): CalibrationSummary => ({ record, applies: false, reason });
  if (record.scales !== runs.scales || record.seeds !== runs.seeds) {
    return no(
      `The calibration record is for ${record.scales} scales and ${record.seeds} seeds; these runs have ${runs.scales} and ${runs.seeds}.`,
    );
  }
  if (record.smallestEffect !== runs.smallestEffect || record.alpha !== runs.alpha) {
    return no(
      `The calibration record is for a smallest effect of ${record.smallestEffect} at α = ${record.alpha}; the plan has ${runs.smallestEffect} at ${runs.alpha}.`,
    );
  }
  const { sigma, df, lackOfFitTau: tau, lackOfFitP } = runs.tests;
  if (sigma !== null && chiSquareSurvival((df * sigma * sigma) / (record.sigma * record.sigma), df) < NOISE_ALPHA) {
    return no(
      `The runs of one scale spread more (${sigma.toFixed(3)}) than the calibration record assumes (${record.sigma.toFixed(3)}).`,
    );
  }
  if (tau !== null && tau > record.tau && (lackOfFitP ?? 1) < NOISE_ALPHA) {
    return no(
      `The scales lie farther from any smooth shape (τ = ${tau.toFixed(3)}) than the calibration record assumes (${record.tau.toFixed(3)}).`,
    );
  }
  return {
    record,
    applies: true,
    reason: 'The calibration record is for this many scales and seeds and this much noise.',
  };
}
