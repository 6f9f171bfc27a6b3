import { plural } from './format.ts';
import { html, raw } from './html.ts';
import type { ReportInput } from './report-input.ts';
import { STYLE_SHEET } from './style-sheet.ts';
import { table, tag } from './table.ts';

/** The page of a sweep that settled before any run was whole: there is nothing to analyse, and it says what is missing, why, and what to type. */
export function noVerdictPage(input: Omit<ReportInput, 'analysis'>): string {
  const { sweep, runs, stages, generatedAt, provenance } = input;
  const failed = stages.flatMap((stage) =>
    stage.attempts.filter(({ outcome }) => outcome !== 'succeeded').map((attempt) => ({ stage, attempt })),
  );
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><link rel="icon" href="data:,"><title>No verdict: ${sweep}, Lethe report</title><style>${raw(
    STYLE_SHEET,
  )}</style></head><body><div class="page"><header><p class="mark-line"><b>Lethe</b><span>${sweep}</span><span>${generatedAt.slice(0, 10)}</span></p><div class="verdict" id="verdict"><div class="word-row"><span class="word bad">NO VERDICT</span></div><h1>No run has all of its stages, so nothing can be said about forgetting.</h1></div></header><main>${table(
    `${plural(runs.length, 'missing run')}`,
    [
      { title: 'run', kind: 'plain' },
      { title: 'why', kind: 'text' },
      { title: 'continue with', kind: 'plain' },
    ],
    runs.map((run) => [run.run, run.reason ?? '', run.command === undefined ? '' : html`<code>${run.command}</code>`]),
  )}${
    failed.length > 0 &&
    table(
      `${plural(failed.length, 'attempt')} that did not succeed`,
      [
        { title: 'stage', kind: 'plain' },
        { title: 'attempt', kind: 'num' },
        { title: 'class', kind: 'plain' },
        { title: 'rule', kind: 'text' },
        { title: 'in its words', kind: 'text' },
      ],
      failed.map(({ stage, attempt }) => [
        stage.label,
        String(attempt.attempt),
        attempt.outcome === 'stopped' ? tag('plain', 'stopped') : tag('warn', attempt.failure ?? 'failed'),
        attempt.rule,
        attempt.sentence,
      ]),
    )
  }</main><footer>Written by Lethe ${provenance.code.version} on ${generatedAt}.</footer></div></body></html>
`.text;
}
