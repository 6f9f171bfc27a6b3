import { describe, expect, it } from 'vitest';
import { contrastsCsv, estimatesCsv } from '../../src/report/csv.ts';
import { summaryMarkdown } from '../../src/report/summary-markdown.ts';
import { renderVerdictText } from '../../src/report/verdict-text.ts';
import { CONTRASTS, MEASURES } from '../../src/statistics/analysis.ts';
import { reportFixture } from './report-fixture.ts';

describe('the CSV files', () => {
  it('hold one row per arm, scale, class and measure in full precision', () => {
    const { analysis } = reportFixture();
    const lines = estimatesCsv(analysis).trimEnd().split('\n');
    const scales = analysis.arms.reduce((sum, arm) => sum + arm.scales.length, 0);
    expect(lines.length).toBe(1 + scales * 3 * MEASURES.length);
    const width = lines[0]?.split(',').length;
    for (const line of lines) expect(line.split(',').length).toBe(width);
    const mean = analysis.arms[0]?.scales[0]?.classes[1]?.measures.continuous?.mean;
    expect(lines.some((line) => line.split(',').includes(String(mean)))).toBe(true);
    expect(contrastsCsv(analysis).trimEnd().split('\n').length).toBe(1 + scales * MEASURES.length * CONTRASTS.length);
  });

  it('leave a field empty that was not measured', () => {
    const { analysis } = reportFixture({ seeds: 1 });
    const [head, row] = contrastsCsv(analysis).split('\n');
    const at = head?.split(',').indexOf('se') ?? -1;
    expect(row?.split(',')[at]).toBe('');
  });

  it('quote commas and keep a spreadsheet from running a name as a formula', () => {
    const { analysis } = reportFixture();
    const arms = analysis.arms.map((arm) => ({ ...arm, arm: '=HYPERLINK("x","y")' }));
    expect(
      estimatesCsv({ ...analysis, arms })
        .split('\n')[1]
        ?.startsWith(`"'=HYPERLINK(""x"",""y"")",`),
    ).toBe(true);
  });
});

describe('the summary', () => {
  it('has the verdict, one row a scale, and what cannot be said', () => {
    const input = reportFixture();
    const text = summaryMarkdown(input);
    expect(text.startsWith('# GRADUAL: quickstart~a3f1c27be04d\n')).toBe(true);
    expect(text).toContain(input.analysis.verdict.sentence);
    expect(text.match(/^\| d\d+ /gm)?.length).toBe(5);
    expect(text).toContain('Nothing outside 25 k to 4.7 M');
  });

  it('lets no name break the table or become markup', () => {
    const input = reportFixture({ verdict: { sentence: 'a | b\n# c <b>' } });
    const text = summaryMarkdown(input);
    expect(text).toContain('a \\| b # c \\<b\\>');
  });
});

describe('the last screen of the command line', () => {
  it('shows verdict, reasons, the table and the path in at most 25 lines of 100 columns', () => {
    const { analysis } = reportFixture({ scales: 6 });
    const lines = renderVerdictText(analysis, 'sweeps/quickstart/report/index.html').split('\n');
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines[0]).toBe('GRADUAL');
    expect(lines.filter((line) => /^ {2}d\d+ /.test(line)).length).toBe(6);
    expect(lines.at(-1)).toContain('sweeps/quickstart/report/index.html');
    for (const reason of analysis.verdict.reasons) expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(reason);
  });

  it('counts the reasons that do not fit instead of growing, and keeps table and path', () => {
    const reasons = Array.from({ length: 40 }, (_, i) => `Reason ${i} ${'with many words '.repeat(12)}.`);
    const { analysis } = reportFixture({ scales: 6, verdict: { reasons } });
    const lines = renderVerdictText(analysis, 'report.html').split('\n');
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(lines.some((line) => /and \d+ more in the report/.test(line))).toBe(true);
    expect(lines.filter((line) => /^ {2}d\d+ /.test(line)).length).toBe(6);
    expect(lines.at(-1)).toContain('report.html');
  });

  it('says that synthetic tables are synthetic in its first line', () => {
    const { analysis } = reportFixture({ synthetic: 'planted' });
    expect(renderVerdictText(analysis, 'r').split('\n')[0]).toContain('synthetic demonstration');
  });
});
