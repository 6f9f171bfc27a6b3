import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import { count, decimal, percent, plainSpaces, plural, signed } from './format.ts';
import { primaryArm } from './primary.ts';
import { sentenceParts } from './sentence.ts';

const LINES = 25;

/** The CLI's last screen, at most 25 lines: verdict, reasons, scale × class, where the report is. Reasons that do not fit are counted, the table never is cut. */
export function renderVerdictText(analysis: ForgettingAnalysis, reportPath: string, width = 100): string {
  const { verdict } = analysis;
  const { claim, scope } = sentenceParts(verdict);
  const head = [
    `${verdict.verdict}${analysis.synthetic === null ? '' : '   (synthetic demonstration)'}`,
    ...wrap(scope === '' ? claim : `${claim.slice(0, -1)} (${scope}).`, width, '  '),
  ];
  const table = scaleTable(analysis);
  const tail = [
    `  ${plural(analysis.scaleCount, 'scale')} × ${plural(analysis.seedCount, 'seed')}, ${decimal(analysis.spanDecades, 1)} decades, minimum detectable gap ${decimal(
      analysis.tests.continuous.minimumDetectable,
    )}, ${analysis.missing.length === 0 ? 'no run missing' : `${plural(analysis.missing.length, 'run')} missing`}`,
    `  report  ${reportPath}`,
  ];
  const said = [
    ...verdict.caps.map((cap) => `held back by ${cap.rule.replaceAll('-', ' ')}: ${cap.why}`),
    ...verdict.reasons,
  ];
  const room = LINES - head.length - table.length - tail.length - 2;
  const reasons: string[] = [];
  let told = 0;
  for (const reason of said) {
    const lines = wrap(`- ${reason}`, width, '  ', '    ');
    const reserve = told + 1 < said.length ? 1 : 0;
    if (reasons.length + lines.length + reserve > room) break;
    reasons.push(...lines);
    told++;
  }
  if (told < said.length && reasons.length < room) reasons.push(`  - … and ${said.length - told} more in the report`);
  return plainSpaces([...head, '', ...reasons, ...table, ...tail].slice(0, LINES).join('\n'));
}

/** Forgetting and learned share by scale and class, the gap last. More than eight scales: the outer ones and what fits between. */
function scaleTable(analysis: ForgettingAnalysis): readonly string[] {
  const scales = primaryArm(analysis)?.scales ?? [];
  if (scales.length === 0) return ['  no run of the primary arm is here'];
  const kept = scales.length <= 8 ? scales : [...scales.slice(0, 4), ...scales.slice(-4)];
  const header = ['scale', 'parameters', 'unsafe', 'safe', 'task', 'gap', 'learned u/s/t'];
  const rows = kept.map((scale) => {
    const one = (name: string) => scale.classes.find((each) => each.class === name);
    const forgotten = (name: string): string => decimal(one(name)?.measures.continuous?.mean);
    return [
      scale.model,
      count(scale.scaleParameters),
      forgotten('unsafe'),
      forgotten('safe'),
      forgotten('task'),
      signed(scale.contrasts.continuous.smaller?.mean),
      ['unsafe', 'safe', 'task'].map((name) => percent(one(name)?.learnedShare).replace('\u00a0%', '')).join('/'),
    ];
  });
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  ')}`;
  return [line(header), ...rows.map(line)];
}

function wrap(text: string, width: number, first: string, rest = first): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return empty ? lines : [...lines, line];
}
