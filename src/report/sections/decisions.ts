import type { ForgettingAnalysis, PrimaryMeasure } from '../../statistics/analysis.ts';
import type { MeasureTests, Prediction } from '../../statistics/scale-test.ts';
import { count, decimal, interval, MISSING, percent, pValue, signed } from '../format.ts';
import { type Html, type HtmlValue, html } from '../html.ts';
import { primaryArm } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { type Cells, type Column, table, tag } from '../table.ts';
import { section } from './figures.ts';

const COLUMNS: readonly Column[] = [
  { title: 'test', kind: 'plain' },
  { title: 'asks', kind: 'text' },
  { title: 'continuous', kind: 'text' },
  { title: 'binary', kind: 'text' },
];

/** Every number that the decision table looked at, in its order, then those shown for the reader only. */
export function decisionsSection(input: ReportInput): Html {
  const { analysis } = input;
  const { alpha, smallestEffect } = analysis.plan;
  const delta = decimal(smallestEffect);
  const both = (say: (tests: MeasureTests) => HtmlValue): readonly [HtmlValue, HtmlValue] => [
    say(analysis.tests.continuous),
    say(analysis.tests.binary),
  ];
  const gates: readonly Cells[] = [
    [
      'learned',
      `Is every class learned at every scale (share ≥ ${decimal(analysis.plan.learnedShare)})?`,
      learned(analysis),
      '',
    ],
    ['runs', 'Are at most 10\u00a0% of the runs missing?', missing(analysis), ''],
    [
      'E1 presence',
      `Is the gap at the largest scale above ${delta}? (one-sided, α = ${alpha})`,
      ...both((tests) =>
        tests.presence.lowerBound === null
          ? NOT_TESTABLE
          : html`${holds(tests.presence.holds)} lower bound ${decimal(tests.presence.lowerBound)}, p ${pValue(tests.presence.p)}`,
      ),
    ],
    [
      'E2 absence',
      `Is the gap at the smallest scale within ±${delta}? (two one-sided tests)`,
      ...both((tests) =>
        tests.absence.interval === null
          ? NOT_TESTABLE
          : html`${holds(tests.absence.holds)} 90\u00a0% interval ${interval(tests.absence.interval?.[0], tests.absence.interval?.[1])}, p ${pValue(tests.absence.p)}`,
      ),
    ],
    ['E3 onset', 'Does the slope rise somewhere, beyond the seeds’ own spread? (one-sided)', ...both(onset)],
    ['no gap', `Is the upper bound at the largest scale below ${delta}?`, ...both((tests) => holds(tests.noGapAtTop))],
    [
      'gap everywhere',
      `Is the lower bound at the smallest scale already above ${delta}?`,
      ...both((tests) => holds(tests.gapAtBottom)),
    ],
    ['signs', 'Do the continuous measures agree in sign at the largest scale?', signs(analysis), ''],
  ];
  const shown: readonly Cells[] = [
    [
      'T1 trend',
      'Does the gap grow with scale? (scale labels permuted within seeds)',
      ...both((tests) =>
        tests.trend
          ? html`${signed(tests.trend.slope)} per decade, p ${pValue(tests.trend.p)}, Holm p ${pValue(tests.trendHolmP)}; Jonckheere–Terpstra p ${pValue(tests.trend.jonckheereP)}`
          : MISSING,
      ),
    ],
    [
      'T3 leave out the largest',
      'Would the smaller scales have predicted the largest?',
      ...both((tests) =>
        tests.leaveLargestOut
          ? html`seen ${decimal(tests.leaveLargestOut.observed)}; line ${predicted(tests.leaveLargestOut.line)}; logistic ${predicted(tests.leaveLargestOut.logistic)}`
          : MISSING,
      ),
    ],
    ['Davies', 'Change of slope on the runs (two-sided)', ...both((tests) => html`p ${pValue(tests.daviesP)}`)],
    [
      'spread',
      'Standard deviation between runs of one scale, degrees of freedom; spread of the scales beyond it (τ)',
      ...both(
        (tests) =>
          html`σ ${decimal(tests.sigma, 3)}, df ${tests.df}${tests.unequalVariances && ' (unequal: each scale its own)'}; τ ${decimal(tests.lackOfFitTau, 3)}`,
      ),
    ],
    [
      'MDE',
      `Gap at the largest scale told from ${delta} with power 0.8`,
      ...both((tests) => decimal(tests.minimumDetectable)),
    ],
  ];
  return section(
    'decision',
    'How it was decided',
    html`${table('The decision table: what decides, in order', COLUMNS, gates)}${table('Shown for the reader, no gate', COLUMNS, shown)}${shapes(analysis)}`,
    `Decisions were fixed before the results, for the arm “${analysis.plan.primaryArm}” and the notion “${analysis.plan.notion}”.`,
  );
}

const NOT_TESTABLE = 'not testable: no spread between seeds to judge by';

function holds(yes: boolean): Html {
  return yes ? tag('good', 'yes') : tag('plain', 'no');
}

function onset(tests: MeasureTests): HtmlValue {
  if (tests.onset === null) return 'not testable: needs ≥ 4 scales and ≥ 2 seeds';
  const { statistic, critical, p, onsetX, tippingTau } = tests.onset;
  return html`${holds(tests.onset.holds)} T ${decimal(statistic)} against ${decimal(critical)}, p ${pValue(p)}, steepest after ${count(10 ** onsetX)} parameters${
    tippingTau !== null && html`; it would be lost if scales spread by τ ≥ ${decimal(tippingTau, 3)}`
  }`;
}

function predicted(prediction: Prediction | null): string {
  if (prediction === null) return MISSING;
  return `${decimal(prediction.predicted)} (${interval(prediction.interval[0], prediction.interval[1])}${prediction.outside ? ', outside' : ''})`;
}

function learned(analysis: ForgettingAnalysis): HtmlValue {
  const needed = analysis.plan.learnedShare;
  const low = (primaryArm(analysis)?.scales ?? []).flatMap((scale) =>
    scale.classes
      .filter((one) => one.learnedShare < needed)
      .map((one) => `${one.class} at ${scale.model} ${percent(one.learnedShare)}`),
  );
  return low.length === 0 ? holds(true) : html`${tag('bad', 'no')} ${low.join(', ')}`;
}

function missing(analysis: ForgettingAnalysis): HtmlValue {
  const { missing, plannedRuns } = analysis;
  return html`${missing.length <= plannedRuns * 0.1 ? holds(true) : tag('bad', 'no')} ${missing.length} of ${plannedRuns} missing`;
}

function signs(analysis: ForgettingAnalysis): string {
  const word = { '-1': 'negative', '0': 'zero', '1': 'positive' } as const;
  return (['continuous', 'nats', 'relative'] as const)
    .map((name) => {
      const sign = analysis.signs[name];
      return `${name} ${sign === null ? MISSING : word[`${sign}`]}`;
    })
    .join(', ');
}

function shapes(analysis: ForgettingAnalysis): Html {
  const measures: readonly PrimaryMeasure[] = ['continuous', 'binary'];
  const rows = measures.flatMap((measure) =>
    analysis.shapes[measure].map((fit) => [
      fit.shape,
      measure,
      String(fit.k),
      decimal(fit.rss, 4),
      decimal(fit.aicc, 1),
      decimal(fit.weight),
    ]),
  );
  if (rows.length === 0) return html``;
  return html`<details><summary>Shapes fitted to the gap (description only)</summary>${table(
    'Least-squares fits; the corrected Akaike criterion describes, it never decides',
    [
      { title: 'shape', kind: 'plain' },
      { title: 'measure', kind: 'plain' },
      { title: 'parameters', kind: 'num' },
      { title: 'RSS', kind: 'num' },
      { title: 'AICc', kind: 'num' },
      { title: 'weight', kind: 'num' },
    ],
    rows,
  )}</details>`;
}
