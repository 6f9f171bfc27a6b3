import { MEASURES, type Measure } from '../../statistics/analysis.ts';
import { count, decimal, grouped, interval, MISSING, percent, signed } from '../format.ts';
import { type Html, html } from '../html.ts';
import { primaryArm } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { table } from '../table.ts';
import { section } from './figures.ts';

export const MEASURE_TITLES: Readonly<Record<Measure, string>> = {
  continuous: 'continuous (probability lost)',
  binary: 'binary (share forgotten)',
  nats: 'nats per token lost',
  relative: 'share of the gain lost',
  legacy: 'mean ROUGE-1 drop, all items',
  area: 'area under the forgetting curve',
};

const DECIDING: readonly Measure[] = ['continuous', 'binary'];
const OTHERS: readonly Measure[] = MEASURES.filter((measure) => !DECIDING.includes(measure));

/** The numbers behind the pictures: classes, paired differences, and the paper's rate taken apart. */
export function estimatesSection(input: ReportInput): Html {
  return section(
    'estimates',
    'The numbers',
    html`${classTable(input, DECIDING, 'Forgetting by scale and class, the two measures that decide')}${contrastTable(
      input,
      DECIDING,
      'Paired differences within runs',
    )}<details><summary>Other measures</summary>${classTable(input, OTHERS, 'Forgetting by scale and class, secondary measures')}${contrastTable(
      input,
      OTHERS,
      'Paired differences, secondary measures',
    )}</details><details><summary>The published forgetting rate, taken apart by learnedness</summary>${decomposition(
      input,
    )}</details>${otherArms(input)}`,
    'SE and 95 % intervals come from the spread between seeds (variance pooled over scales); the clustered SE is within runs, items grouped by template; the bootstrap resamples seeds, templates and items. All of it is in estimates.csv and contrasts.csv beside this page.',
  );
}

function classTable(input: ReportInput, measures: readonly Measure[], caption: string): Html {
  const scales = primaryArm(input.analysis)?.scales ?? [];
  const starts = new Set<number>();
  const rows = measures.flatMap((measure) =>
    scales.flatMap((scale) =>
      scale.classes.map((one, i) => ({ first: i === 0, cells: estimateCells(scale.model, one, measure) })),
    ),
  );
  for (const [i, row] of rows.entries()) if (row.first) starts.add(i);
  return table(
    caption,
    [
      { title: 'scale', kind: 'plain' },
      { title: 'class', kind: 'plain' },
      { title: 'measure', kind: 'plain' },
      { title: 'n learned', kind: 'num' },
      { title: 'clusters', kind: 'num' },
      { title: 'seeds', kind: 'num' },
      { title: 'mean', kind: 'num' },
      { title: 'SE', kind: 'num' },
      { title: '95 % interval', kind: 'num' },
      { title: 'SE clustered', kind: 'num' },
      { title: 'bootstrap', kind: 'num' },
    ],
    rows.map((row) => row.cells),
    (row) => starts.has(row),
  );
}

type OneClass = NonNullable<ReturnType<typeof primaryArm>>['scales'][number]['classes'][number];

function estimateCells(model: string, one: OneClass, measure: Measure): readonly (string | Html)[] {
  const estimate = one.measures[measure];
  return [
    model,
    html`<span class="series-${one.class}"><span class="dotmark ${one.class}"></span></span>${one.class}`,
    MEASURE_TITLES[measure],
    `${grouped(one.learned)} of ${grouped(one.items)}`,
    decimal(one.clusters, Number.isInteger(one.clusters) ? 0 : 1),
    String(estimate?.runs ?? 0),
    decimal(estimate?.mean, 3),
    decimal(estimate?.se, 3),
    interval(estimate?.interval?.[0], estimate?.interval?.[1], 3),
    decimal(estimate?.seClustered, 3),
    interval(estimate?.bootstrap?.[0], estimate?.bootstrap?.[1], 3),
  ];
}

function contrastTable(input: ReportInput, measures: readonly Measure[], caption: string): Html {
  const scales = primaryArm(input.analysis)?.scales ?? [];
  const rows = measures.flatMap((measure) =>
    scales.flatMap((scale) =>
      (['unsafe-safe', 'unsafe-task', 'smaller'] as const).map((contrast) => {
        const estimate = scale.contrasts[measure][contrast];
        return [
          scale.model,
          contrast === 'smaller' ? html`<b>the smaller</b>` : contrast.replace('-', ' − '),
          MEASURE_TITLES[measure],
          String(estimate?.runs ?? 0),
          signed(estimate?.mean, 3),
          decimal(estimate?.se, 3),
          interval(estimate?.interval?.[0], estimate?.interval?.[1], 3),
          decimal(estimate?.seClustered, 3),
          interval(estimate?.bootstrap?.[0], estimate?.bootstrap?.[1], 3),
        ];
      }),
    ),
  );
  return table(
    caption,
    [
      { title: 'scale', kind: 'plain' },
      { title: 'difference', kind: 'plain' },
      { title: 'measure', kind: 'plain' },
      { title: 'seeds', kind: 'num' },
      { title: 'paired Δ', kind: 'num' },
      { title: 'SE', kind: 'num' },
      { title: '95 % interval', kind: 'num' },
      { title: 'SE clustered', kind: 'num' },
      { title: 'bootstrap', kind: 'num' },
    ],
    rows,
    (row) => row % 3 === 0,
  );
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
      scale.classes.map((one) => [
        scale.model,
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
      { title: '95 % interval', kind: 'num' },
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
