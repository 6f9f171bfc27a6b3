import { decimal, percent, plural, prose, signed } from '../format.ts';
import { type Html, html } from '../html.ts';
import { withInterval } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { pairs, table, tag } from '../table.ts';
import { section } from './figures.ts';

/** How far the verdict can be trusted: simulated error rates, the same contrast on items that all scales learned, notes on how numbers came to be. */
export function robustnessSection(input: ReportInput): Html {
  const { notes } = input.analysis;
  return section(
    'robustness',
    'How far to trust it',
    html`<h3>Calibration</h3>${calibration(input)}<h3>Only items that every scale learned</h3>${sensitivity(input)}${
      notes.length > 0 &&
      html`<h3>Notes on the numbers</h3><ul>${notes.map((note) => html`<li>${prose(note)}</li>`)}</ul>`
    }`,
  );
}

function calibration(input: ReportInput): Html {
  const { record, applies, reason } = input.analysis.calibration;
  if (record === null) return html`<p>${tag('warn', 'no record')} ${reason}</p>`;
  return html`<p>${applies ? tag('good', 'applies') : tag('warn', 'does not apply')} ${reason}</p>${pairs([
    [
      'simulated',
      `${plural(record.scales, 'scale')} × ${plural(record.seeds, 'seed')}, σ ${decimal(record.sigma, 3)}, τ ${decimal(record.tau, 3)}, ${plural(record.replications, 'sweep')} a truth`,
    ],
    [
      'false SHARP',
      `${percent(record.falseSharp, 1)} (largest under a line or a saturating rise; at most 6\u00a0% allows SHARP)`,
    ],
    [
      'power',
      `${percent(record.power)} to see a gap of ${decimal(record.alternativeEffect)} at the largest scale (at least 80\u00a0% allows GRADUAL)`,
    ],
  ])}${table(
    'How often the decision table says what, by the true shape',
    [
      { title: 'true shape', kind: 'plain' },
      { title: 'sharp', kind: 'num' },
      { title: 'gradual', kind: 'num' },
      { title: 'not supported', kind: 'num' },
      { title: 'inconclusive', kind: 'num' },
    ],
    record.truths.map((one) => [
      one.truth,
      percent(one.sharp, 1),
      percent(one.gradual, 1),
      percent(one.notSupported, 1),
      percent(one.inconclusive, 1),
    ]),
  )}`;
}

function sensitivity(input: ReportInput): Html {
  const same = input.analysis.sensitivity;
  if (same === null)
    return html`<p class="empty">Not computed: no item was learned by the same seed at every scale.</p>`;
  const slope = same.slopeOnLearnedShare;
  return html`<p>On the items learned at every scale by the same seed (${percent(same.share.unsafe)} of unsafe, ${percent(same.share.safe)} of safe, ${percent(
    same.share.task,
  )} of task) the decision table says <b>${same.raw}</b>, before caps.${
    slope !== null &&
    html` Over the runs, the gap changes by ${signed(slope.slope)}${slope.se !== null && ` (SE ${decimal(slope.se)})`} per unit of learned share.`
  }</p>${table(
    'The gap on the common items',
    [
      { title: 'scale', kind: 'plain' },
      { title: 'continuous (95\u00a0%)', kind: 'num' },
      { title: 'binary (95\u00a0%)', kind: 'num' },
    ],
    same.scales.map((scale) => [scale.model, withInterval(scale.continuous), withInterval(scale.binary)]),
  )}`;
}
