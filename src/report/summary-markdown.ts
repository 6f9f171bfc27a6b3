import { cannotSay } from './cannot-say.ts';
import { count, decimal, percent, plainSpaces, plural, short } from './format.ts';
import { plainWithInterval, primaryArm, withInterval } from './primary.ts';
import type { ReportInput } from './report-input.ts';

/** `summary.md`: the verdict and one table, for a terminal or a pull request. */
export function summaryMarkdown(input: ReportInput): string {
  const { analysis } = input;
  const { verdict } = analysis;
  const lines = [
    `# ${verdict.verdict}: ${text(input.sweep)}`,
    '',
    text(verdict.sentence),
    '',
    ...(analysis.synthetic === null
      ? []
      : [`> Synthetic demonstration. ${text(analysis.synthetic.trim().replace(/\s+/g, ' '))}`, '']),
    ...(input.exploratory === undefined ? [] : [`> Exploratory. ${text(input.exploratory)}`, '']),
    ...verdict.reasons.map((reason) => `- ${text(reason)}`),
    ...verdict.caps.map((cap) => `- Cap, ${cap.rule.replaceAll('-', ' ')} (${cap.from} → ${cap.to}): ${text(cap.why)}`),
    '',
    'Continuous forgetting (probability lost, learned items), mean and 95\u00a0% interval between seeds:',
    '',
    '| scale | parameters | seeds | unsafe | safe | task | gap | learned, least class |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...(primaryArm(analysis)?.scales ?? []).map((scale) => {
      const mean = (name: string): string =>
        plainWithInterval(scale.classes.find((one) => one.class === name)?.measures.continuous);
      const least = Math.min(...scale.classes.map((one) => one.learnedShare));
      return `| ${text(scale.model)} | ${count(scale.scaleParameters)} | ${scale.seeds.length} | ${mean('unsafe')} | ${mean('safe')} | ${mean('task')} | ${withInterval(
        scale.contrasts.continuous.smaller,
      )} | ${percent(least)} |`;
    }),
    '',
    'What it cannot say:',
    '',
    ...cannotSay(input).map((line) => `- ${text(line)}`),
    '',
    `${plural(analysis.plannedRuns - analysis.missing.length, 'run')} of ${analysis.plannedRuns}; span ${decimal(analysis.spanDecades, 1)} decades; plan ${
      analysis.planHash === null ? 'none' : short(analysis.planHash)
    }.`,
    '',
  ];
  return plainSpaces(lines.join('\n'));
}

/** Keeps names from becoming markup or breaking a table row. */
function text(value: string): string {
  return value.replace(/[\r\n]+/g, ' ').replace(/[|<>`*_[\]\\]/g, (sign) => `\\${sign}`);
}
