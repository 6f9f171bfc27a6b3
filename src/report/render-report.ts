import { contrastsCsv, estimatesCsv } from './csv.ts';
import { type Html, html } from './html.ts';
import { type PageSection, pageFooter, pageSections, pageShell } from './page-shell.ts';
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
  const { analysis } = input;
  const sections: readonly PageSection[] = [
    { id: 'scale', name: 'Against scale', content: scaleSection(input) },
    { id: 'curves', name: 'Learning and forgetting', content: curvesSection(input) },
    { id: 'learnedness', name: 'Was it learned?', content: learnednessSection(input) },
    { id: 'rounds', name: 'Round by round', content: roundsSection(input) },
    { id: 'controls', name: 'Controls', content: controlsSection(input) },
    { id: 'decision', name: 'How it was decided', content: decisionsSection(input) },
    { id: 'estimates', name: 'The numbers', content: estimatesSection(input) },
    { id: 'threshold', name: 'The threshold', content: thresholdSection(input) },
    { id: 'robustness', name: 'How far to trust it', content: robustnessSection(input) },
    { id: 'runs', name: 'Runs and attempts', content: runsSection(input, analysis.missing, analysis.plannedRuns) },
    { id: 'provenance', name: 'Provenance', content: provenanceSection(input, analysis) },
    { id: 'reproduce', name: 'Do it again', content: reproduceSection(input) },
    { id: 'glossary', name: 'Words', content: glossarySection() },
  ];
  return pageShell(
    `${analysis.verdict.verdict}: ${input.sweep}, Lethe report`,
    html`<a class="skip" href="#scale">Skip to the results</a><div class="page">${banners(input)}${verdictHeader(
      input,
    )}${pageSections(sections)}${pageFooter(input.provenance.code.version, input.generatedAt)}</div>`,
  );
}
