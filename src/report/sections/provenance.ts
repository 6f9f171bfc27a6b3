import type { ForgettingAnalysis } from '../../statistics/analysis.ts';
import { grouped, instant, plural, seconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Provenance, SweepFacts } from '../report-input.ts';
import { pairs, table } from '../table.ts';
import { section } from './figures.ts';

/** What the result was made from, down to digests. */
export function provenanceSection(input: SweepFacts, analysis?: ForgettingAnalysis): Html {
  const { provenance: made } = input;
  return section(
    'provenance',
    'Provenance',
    html`${pairs([
      ['sweep', input.sweep],
      [
        'plan hash',
        analysis && (analysis.planHash === null ? 'none: the tables came without a plan' : key(analysis.planHash)),
      ],
      ['statistics digest', made.statisticsDigest !== undefined && key(made.statisticsDigest)],
      ['score rows', analysis && grouped(analysis.rows)],
      ['seeds', made.seeds.join(', ')],
      ['code', code(made)],
      ['trainer build', builds(made)],
      ['trainer image', images(made)],
      ['numerics', numerics(made)],
      ['machine', made.machine && Object.entries(made.machine).map(([name, value]) => html`${name}: ${value}<br>`)],
      [
        'versions',
        Object.entries(made.versions)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
      ],
      ['started', made.startedAt && instant(made.startedAt)],
      ['ended', made.endedAt && instant(made.endedAt)],
      ['job time', made.jobSeconds !== undefined && seconds(made.jobSeconds)],
      ['report written', instant(input.generatedAt)],
    ])}${data(made)}${recipe(made)}${analysis && html`<details><summary>Analysis plan, frozen</summary><pre>${JSON.stringify(analysis.plan, null, 2)}</pre></details>`}`,
  );
}

function key(digest: string): Html {
  return html`<span class="key">${digest}</span>`;
}

function code(made: Provenance): Html {
  const { version, revision, dirty } = made.code;
  return html`Lethe ${version}${revision !== undefined && html`, revision <span class="key">${revision}</span>`}${
    dirty === true && html` <b>with uncommitted changes</b>`
  }${dirty === false && ', clean'}`;
}

function builds(made: Provenance): Html | false {
  if (made.trainerBuilds.length === 0) return false;
  return html`${made.trainerBuilds.map((one) => html`<span class="key">${one.build}</span> (${plural(one.stages, 'stage')})<br>`)}${
    made.trainerBuilds.length > 1 && html`<b>This report mixes trainer builds.</b>`
  }`;
}

function images({ images = [] }: Provenance): Html | false {
  if (images.length === 0) return false;
  return html`${images.map((one) => html`<span class="key">${one.image}</span> (${plural(one.stages, 'stage')})<br>`)}`;
}

function numerics(made: Provenance): Html | false {
  if (made.numerics.length === 0) return false;
  return html`${made.numerics.map(
    (one) =>
      html`${Object.entries(one.tuple)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')} (${plural(one.stages, 'stage')})<br>`,
  )}${made.numerics.length > 1 && html`<b>This report mixes numerics: equal bits are promised within one of them only.</b>`}`;
}

function data(made: Provenance): Html {
  if (made.data.length === 0) return html``;
  return table(
    'Data, by digest of their recipe',
    [
      { title: 'used for', kind: 'plain' },
      { title: 'rows', kind: 'num' },
      { title: 'digest', kind: 'text' },
    ],
    made.data.map((one) => [
      one.role,
      one.rows === undefined ? '–' : grouped(one.rows),
      html`<span class="key">${one.digest}</span>`,
    ]),
  );
}

function recipe(made: Provenance): Html {
  return html`${
    made.recipe &&
    table(
      'Recipe',
      [
        { title: 'setting', kind: 'plain' },
        { title: 'value', kind: 'text' },
      ],
      made.recipe.map((one) => [one.name, one.value]),
    )
  }${made.sweepFile && html`<details><summary>Sweep file <code>${made.sweepFile.path}</code></summary><pre>${made.sweepFile.text}</pre></details>`}`;
}
