import { type Html, html } from '../html.ts';
import type { SweepFacts } from '../report-input.ts';
import { pairs } from '../table.ts';
import { section } from './figures.ts';

/** `analysed` = the numbers stand beside the page. */
export function reproduceSection(input: SweepFacts, analysed = true): Html {
  const { reproduce } = input.provenance;
  return section(
    'reproduce',
    'Do it again',
    html`${reproduce.length > 0 && html`<pre>${reproduce.join('\n')}</pre>`}${analysed && html`<p>Beside this page: <code>analysis.json</code> and <code>verdict.json</code> (all numbers, for programs), <code>estimates.csv</code>, <code>contrasts.csv</code>, <code>summary.md</code>; the per-example rows are <code>scores.parquet</code> in the sweep’s tables folder. Equal tables give an equal statistics digest.</p>`}`,
  );
}

const TERMS: readonly (readonly [string, string])[] = [
  [
    'unsafe, safe, task',
    'The three classes of examples. Unsafe answers conflict with what the review teaches; safe answers agree with it; task answers have nothing to do with it.',
  ],
  [
    'finetune, review',
    'Finetuning teaches a noisy mixture of all classes; the review then trains on safe examples only.',
  ],
  [
    'anchor',
    'A training step at which every example is scored. t0 is the end of finetuning, t* the review step of the contrast, the same fraction of the review at every scale.',
  ],
  [
    'learned',
    'The answer is right (exact match or ROUGE-1 ≥ 0.9) and its mean token probability reaches the plan’s threshold at t0.',
  ],
  ['continuous forgetting', 'Mean drop of the geometric-mean token probability from t0 to t*, learned items.'],
  ['binary forgetting', 'Share of learned items whose ROUGE-1 fell by more than φ from t0 to t*.'],
  [
    'gap',
    'min(unsafe − safe, unsafe − task) in forgetting, per run. The claim needs both differences, so the smaller decides.',
  ],
  ['smallest effect of interest', 'A gap smaller than this would not matter to anyone; fixed before the results.'],
  [
    'SE, 95\u00a0% interval',
    'Standard error and t interval from the spread between seeds. Few seeds make wide intervals, and that is honest.',
  ],
  ['Holm p', 'p-value corrected for the number of tests of the same family.'],
  [
    'minimum detectable',
    'The gap at the largest scale that this many scales and seeds would tell from the smallest effect in four of five sweeps.',
  ],
  ['τ', 'Spread of whole scales about a smooth shape that more seeds cannot average away.'],
  ['SHARP', 'No gap at the smallest scale, a gap at the largest, and an onset between them, by both measures.'],
  ['GRADUAL', 'The gap depends on scale without a sharp onset.'],
  ['METRIC-DEPENDENT', 'Sharp by the binary measure only: the jump belongs to the metric.'],
  ['NOT SUPPORTED', 'No gap that matters at the largest scale, or one at every scale already.'],
  ['INCONCLUSIVE, UNDERPOWERED', 'The data cannot decide; more seeds or scales are needed.'],
  ['UNLEARNED, INVALID', 'A class was not learned well enough to be forgotten; or a control came out wrong.'],
  [
    'stage, attempt, parked',
    'A unit of training; one launch of it; a stage whose retries are used up and that waits for a person.',
  ],
];

export function glossarySection(): Html {
  return section('glossary', 'Words', pairs(TERMS));
}
