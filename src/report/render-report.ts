import { contrastsCsv, estimatesCsv } from './csv.ts';
import { type Html, html, raw } from './html.ts';
import type { ReportBundle, ReportInput } from './report-input.ts';
import { controlsSection } from './sections/controls.ts';
import { decisionsSection } from './sections/decisions.ts';
import { estimatesSection } from './sections/estimates.ts';
import { curvesSection, learnednessSection, scaleSection, thresholdSection } from './sections/figures.ts';
import { glossarySection, reproduceSection } from './sections/glossary.ts';
import { provenanceSection } from './sections/provenance.ts';
import { robustnessSection } from './sections/robustness.ts';
import { roundsSection } from './sections/rounds.ts';
import { runsSection } from './sections/runs.ts';
import { banners, verdictHeader } from './sections/verdict-header.ts';
import { STYLE_SHEET } from './style-sheet.ts';
import { summaryMarkdown } from './summary-markdown.ts';

/**
 * The report folder's files from plain JSON: pure, no clock, no files, equal input gives equal bytes. It takes longer than 100 ms of CPU on a large sweep:
 * call it in a worker thread.
 */
export async function renderReport(input: ReportInput): Promise<ReportBundle> {
  return {
    files: {
      'index.html': page(input).text,
      'summary.md': summaryMarkdown(input),
      'estimates.csv': estimatesCsv(input.analysis),
      'contrasts.csv': contrastsCsv(input.analysis),
      'verdict.json': `${JSON.stringify(input.analysis.verdict, null, 2)}\n`,
      'analysis.json': `${JSON.stringify(input.analysis, null, 1)}\n`,
    },
  };
}

function page(input: ReportInput): Html {
  const sections: readonly (readonly [id: string, name: string, content: Html])[] = [
    ['scale', 'Against scale', scaleSection(input)],
    ['curves', 'Learning and forgetting', curvesSection(input)],
    ['learnedness', 'Was it learned?', learnednessSection(input)],
    ['rounds', 'Round by round', roundsSection(input)],
    ['controls', 'Controls', controlsSection(input)],
    ['decision', 'How it was decided', decisionsSection(input)],
    ['estimates', 'The numbers', estimatesSection(input)],
    ['threshold', 'The threshold', thresholdSection(input)],
    ['robustness', 'How far to trust it', robustnessSection(input)],
    ['runs', 'Runs and attempts', runsSection(input)],
    ['provenance', 'Provenance', provenanceSection(input)],
    ['reproduce', 'Do it again', reproduceSection(input)],
    ['glossary', 'Words', glossarySection()],
  ];
  const shown = sections.filter(([, , content]) => content.text !== '');
  const { verdict } = input.analysis;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><link rel="icon" href="data:,"><title>${verdict.verdict}: ${input.sweep}, Lethe report</title><style>${raw(
    STYLE_SHEET,
  )}</style></head><body><a class="skip" href="#scale">Skip to the results</a><div class="page">${banners(input)}${verdictHeader(
    input,
  )}<div class="layout"><nav class="contents" aria-label="Contents"><ol>${shown.map(
    ([id, name]) => html`<li><a href="#${id}">${name}</a></li>`,
  )}</ol></nav><main>${shown.map(([, , content]) => content)}</main></div><footer>Written by Lethe ${input.provenance.code.version} on ${input.generatedAt}. Examples are named by id only; no example text is part of this report.</footer></div></body></html>
`;
}
