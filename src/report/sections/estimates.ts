import { CONTRASTS, type Estimate, MEASURES, type Measure } from '../../statistics/analysis.ts';
import { count, decimal, grouped, interval, MISSING, percent, signed } from '../format.ts';
import { type Html, html } from '../html.ts';
import { primaryArm } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { type Column, table } from '../table.ts';
import { section } from './figures.ts';

const MEASURE_TITLES: Readonly<Record<Measure, string>> = {
  continuous: 'Continuous: probability lost',
  binary: 'Binary: share of items forgotten',
  nats: 'Nats per token lost',
  relative: 'Share of the finetuning gain lost',
  legacy: 'Mean ROUGE-1 drop, all items',
  area: 'Area under the forgetting curve',
};

const DECIDING: readonly Measure[] = ['continuous', 'binary'];
const OTHERS: readonly Measure[] = MEASURES.filter((measure) => !DECIDING.includes(measure));

/** The numbers behind the pictures: classes, paired differences, and the paper's rate taken apart. */
export function estimatesSection(input: ReportInput): Html {
  return section(
    'estimates',
    'The numbers',
    html`${DECIDING.map((measure) => classTable(input, measure))}${DECIDING.map((measure) => contrastTable(input, measure))}${otherArms(
      input,
    )}<details><summary>Secondary measures</summary>${OTHERS.map((measure) => [classTable(input, measure), contrastTable(input, measure)])}</details><details><summary>The published forgetting rate, taken apart by learnedness</summary>${decomposition(
      input,
    )}</details>`,
    'SE and 95\u00a0% intervals come from the spread between seeds (variance pooled over scales); the clustered SE is within runs, items grouped by template; the bootstrap resamples seeds, templates and items. All of it is in estimates.csv and contrasts.csv beside this page.',
  );
}

function classTable(input: ReportInput, measure: Measure): Html {
  const scales = primaryArm(input.analysis)?.scales ?? [];
  const rows = scales.flatMap((scale) =>
    scale.classes.map((one, i) => {
      const estimate = one.measures[measure];
      return [
        scaleName(scale.model, i === 0),
        html`<span class="series-${one.class}"><span class="dotmark ${one.class}"></span></span>${one.class}`,
        `${grouped(one.learned)} of ${grouped(one.items)}`,
        decimal(one.clusters, Number.isInteger(one.clusters) ? 0 : 1),
        ...estimateCells(estimate, decimal(estimate?.mean, 3)),
      ];
    }),
  );
  return table(
    html`<b>${MEASURE_TITLES[measure]}</b>, by scale and class`,
    [
      { title: 'scale', kind: 'plain' },
      { title: 'class', kind: 'plain' },
      { title: 'n learned', kind: 'num' },
      { title: 'clusters', kind: 'num' },
      { title: 'seeds', kind: 'num' },
      { title: 'mean', kind: 'num' },
      ...SPREAD_COLUMNS,
    ],
    rows,
    (row) => row % 3 === 0,
  );
}

function contrastTable(input: ReportInput, measure: Measure): Html {
  const scales = primaryArm(input.analysis)?.scales ?? [];
  const rows = scales.flatMap((scale) =>
    CONTRASTS.map((contrast, i) => {
      const estimate = scale.contrasts[measure][contrast];
      return [
        scaleName(scale.model, i === 0),
        contrast === 'smaller' ? html`<b>the smaller</b>` : contrast.replace('-', ' − '),
        ...estimateCells(estimate, signed(estimate?.mean, 3)),
      ];
    }),
  );
  return table(
    html`<b>${MEASURE_TITLES[measure]}</b>, paired differences within runs`,
    [
      { title: 'scale', kind: 'plain' },
      { title: 'difference', kind: 'plain' },
      { title: 'seeds', kind: 'num' },
      { title: 'paired Δ', kind: 'num' },
      ...SPREAD_COLUMNS,
    ],
    rows,
    (row) => row % CONTRASTS.length === 0,
  );
}

const SPREAD_COLUMNS: readonly Column[] = [
  { title: 'SE', kind: 'num' },
  { title: '95\u00a0% interval', kind: 'num' },
  { title: 'SE clustered', kind: 'num' },
  { title: '95\u00a0% bootstrap', kind: 'num' },
];

function estimateCells(estimate: Estimate | null, mean: string): readonly string[] {
  return [
    String(estimate?.runs ?? 0),
    mean,
    decimal(estimate?.se, 3),
    interval(estimate?.interval?.[0], estimate?.interval?.[1], 3),
    decimal(estimate?.seClustered, 3),
    interval(estimate?.bootstrap?.[0], estimate?.bootstrap?.[1], 3),
  ];
}

/** A scale's name is seen once in its group and read out in every row. */
function scaleName(model: string, first: boolean): Html {
  return first ? html`${model}` : html`<span class="unseen">${model}</span>`;
}

function decomposition(input: ReportInput): Html {
  const scales = primaryArm(input.analysis)?.scales ?? [];
  return table(
    'Mean ROUGE-1 drop over all items = P(learned) × drop of learned + P(not learned) × drop of the rest',
    [
      { title: 'scale', kind: 'plain' },
      { title: 'class', kind: 'plain' },
      { title: 'rate', kind: 'num' },
      { title: 'P(learned)', kind: 'num' },
      { title: 'drop, learned', kind: 'num' },
      { title: 'drop, not learned', kind: 'num' },
      { title: 'known before', kind: 'num' },
    ],
    scales.flatMap((scale) =>
      scale.classes.map((one, i) => [
        scaleName(scale.model, i === 0),
        one.class,
        decimal(one.decomposition.rate, 3),
        percent(one.decomposition.shareLearned),
        decimal(one.decomposition.rateLearned, 3),
        decimal(one.decomposition.rateNotLearned, 3),
        one.knownBefore === null ? MISSING : percent(one.knownBefore),
      ]),
    ),
    (row) => row % 3 === 0,
  );
}

/** The other arms in short: class means and the smaller contrast of the continuous measure. */
function otherArms(input: ReportInput): Html {
  const arms = input.analysis.arms.filter((arm) => arm.role !== 'primary' && arm.scales.length > 0);
  if (arms.length === 0) return html``;
  return table(
    'The other arms, continuous measure',
    [
      { title: 'arm', kind: 'plain' },
      { title: 'scale', kind: 'plain' },
      { title: 'parameters', kind: 'num' },
      { title: 'seeds', kind: 'num' },
      { title: 'unsafe', kind: 'num' },
      { title: 'safe', kind: 'num' },
      { title: 'task', kind: 'num' },
      { title: 'smaller Δ', kind: 'num' },
      { title: '95\u00a0% interval', kind: 'num' },
    ],
    arms.flatMap((arm) =>
      arm.scales.map((scale) => {
        const mean = (name: string): string =>
          decimal(scale.classes.find((one) => one.class === name)?.measures.continuous?.mean, 3);
        const smaller = scale.contrasts.continuous.smaller;
        return [
          arm.arm,
          scale.model,
          count(scale.scaleParameters),
          String(scale.seeds.length),
          mean('unsafe'),
          mean('safe'),
          mean('task'),
          signed(smaller?.mean, 3),
          interval(smaller?.interval?.[0], smaller?.interval?.[1], 3),
        ];
      }),
    ),
  );
}
