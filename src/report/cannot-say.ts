import { count, decimal, plural } from './format.ts';
import { largest, primaryArm, smallest } from './primary.ts';
import type { ReportInput } from './report-input.ts';

export const ROLE_NOTE =
  '“Unsafe” is a role in a synthetic grammar here: the sweep tests the mechanism (answers that conflict with the review set), not real harm.';

/** What the verdict does not reach, from the numbers of the analysis. Always printed, whatever the verdict. */
export function cannotSay(input: ReportInput): readonly string[] {
  const { analysis } = input;
  const arm = primaryArm(analysis);
  const [low, high] = [smallest(arm), largest(arm)];
  const said: string[] = [];
  if (low && high) {
    const range = `${count(low.scaleParameters)} to ${count(high.scaleParameters)} non-embedding parameters`;
    said.push(
      analysis.scaleCount === 1
        ? `Nothing about other sizes than ${count(low.scaleParameters)} non-embedding parameters, and nothing about a trend: one scale has none.`
        : `Nothing outside ${range} (${decimal(analysis.spanDecades, 1)} decades): the result is not extrapolated to larger or smaller models.`,
    );
  }
  const families = [...new Set((arm?.scales ?? []).map((scale) => scale.family))];
  if (families.length === 1)
    said.push(`Nothing about other model families than ${families[0]}, or other recipes than the one below.`);
  if (families.length > 1)
    said.push('The scales mix model families, so that scale and family cannot be told apart fully.');
  const test = analysis.tests.continuous;
  if (test.minimumDetectable !== null) {
    said.push(
      `A true gap at the largest scale below ${decimal(test.minimumDetectable)} would not be told from the smallest effect of interest (${decimal(
        analysis.plan.smallestEffect,
      )}) with power 0.8: that is the minimum detectable effect of ${plural(analysis.scaleCount, 'scale')} × ${plural(analysis.seedCount, 'seed')}.`,
    );
  } else if (analysis.seedCount >= 2) {
    said.push(
      'How large a gap is at the largest scale: none could be computed there, so there is no interval and no test.',
    );
  } else {
    said.push(
      `With ${plural(analysis.seedCount, 'seed')} a scale the spread between runs is unknown: no interval, no test, no minimum detectable effect.`,
    );
  }
  if (test.onset === null)
    said.push('Whether the gap sets in sharply: an onset test needs at least 4 scales and 2 seeds each.');
  if (!analysis.calibration.applies) {
    said.push(`How often this plan would call a smooth rise sharp: ${lowerFirst(analysis.calibration.reason)}`);
  }
  const notRun = analysis.controls.filter((control) => control.outcome === 'not-run');
  if (notRun.length > 0)
    said.push(
      `What these controls would have shown, which did not run: ${notRun.map((control) => control.kind).join(', ')}.`,
    );
  if (input.policyGrammar) said.push(ROLE_NOTE);
  return said;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
