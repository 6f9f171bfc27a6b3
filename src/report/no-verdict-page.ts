import { plural } from './format.ts';
import { html } from './html.ts';
import { pageFooter, pageSections, pageShell } from './page-shell.ts';
import type { SweepFacts } from './report-input.ts';
import { reproduceSection } from './sections/glossary.ts';
import { provenanceSection } from './sections/provenance.ts';
import { runsSection } from './sections/runs.ts';

/** The page of a sweep that settled before any run was whole: there is nothing to analyse, and it says what is missing, why, and what to type. */
export function noVerdictPage(facts: SweepFacts): string {
  const { sweep, runs, generatedAt, provenance } = facts;
  const missing = runs.map(({ run, arm, reason }) => ({ run, arm, why: reason ?? 'its stages are not done' }));
  const sections = [
    { id: 'runs', name: 'Runs and attempts', content: runsSection(facts, missing, runs.length) },
    { id: 'provenance', name: 'Provenance', content: provenanceSection(facts) },
    { id: 'reproduce', name: 'Do it again', content: reproduceSection(facts, false) },
  ];
  return pageShell(
    `No verdict: ${sweep}, Lethe report`,
    html`<a class="skip" href="#runs">Skip to the runs</a><div class="page"><header><p class="mark-line"><b>Lethe</b><span>${sweep}</span><span>${generatedAt.slice(0, 10)}</span></p><div class="verdict" id="verdict"><div class="word-row"><span class="word bad">NO VERDICT</span></div><h1>No run has all of its stages, so nothing can be said about forgetting. <small>${plural(
      runs.length,
      'run',
    )} planned, none whole; what is finished is kept and will not be trained again</small></h1></div></header>${pageSections(
      sections,
    )}${pageFooter(provenance.code.version, generatedAt)}</div>`,
  ).text;
}
