import type { ArmForgetting, Estimate, ForgettingAnalysis, ScaleForgetting } from '../statistics/analysis.ts';
import { decimal, interval, MISSING, signed } from './format.ts';

/** The arm whose contrast carries the claim; absent when none of its runs is there. */
export function primaryArm(analysis: ForgettingAnalysis): ArmForgetting | undefined {
  return analysis.arms.find((arm) => arm.role === 'primary' && arm.scales.length > 0);
}

export function smallest(arm: ArmForgetting | undefined): ScaleForgetting | undefined {
  return arm?.scales[0];
}

export function largest(arm: ArmForgetting | undefined): ScaleForgetting | undefined {
  return arm?.scales.at(-1);
}

/** `+0.42 (0.35 to 0.49)`. */
export function withInterval(estimate: Estimate | null | undefined, digits = 2): string {
  if (!estimate) return MISSING;
  const mean = signed(estimate.mean, digits);
  return estimate.interval ? `${mean} (${interval(estimate.interval[0], estimate.interval[1], digits)})` : mean;
}

/** As `withInterval`, without a sign: for forgetting itself, not for differences. */
export function plainWithInterval(estimate: Estimate | null | undefined, digits = 2): string {
  if (!estimate) return MISSING;
  const mean = decimal(estimate.mean, digits);
  return estimate.interval ? `${mean} (${interval(estimate.interval[0], estimate.interval[1], digits)})` : mean;
}
