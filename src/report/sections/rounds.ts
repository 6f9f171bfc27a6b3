import type { InterleavedArm } from '../../statistics/interleaved-rounds.ts';
import { count, plural, pValue, signed } from '../format.ts';
import { type Html, html } from '../html.ts';
import { interleavedCourse, type RoundMeasure, roundMeasure } from '../plots/interleaved-rounds.ts';
import type { ReportInput } from '../report-input.ts';
import { table } from '../table.ts';
import { box, section } from './figures.ts';

const MEASURES: readonly (readonly [RoundMeasure, string, string])[] = [
  ['end', 'End score', 'score at the end of finetuning'],
  ['peak', 'Peak score', 'largest score in finetuning'],
  ['stepsToHalf', 'Relearning', 'steps to half of the maximum'],
  ['savings', 'Savings', '1 − steps ÷ steps in round 1'],
  ['residual', 'Residual', 'score after the review'],
  ['natsLost', 'Lost in review', 'nats per token'],
];

/** Interleaved sweeps: what each round of finetuning and review did, scale by scale. */
export function roundsSection(input: ReportInput): Html {
  const arms = input.analysis.interleaved;
  if (arms.length === 0) return html``;
  return section(
    'rounds',
    'Round by round',
    arms.map(oneArm),
    'Each round finetunes on the noisy mixture and reviews on safe examples. Fast relearning and large savings suggest that what was forgotten was not gone.',
  );
}

function oneArm(arm: InterleavedArm): Html {
  const measures = MEASURES.filter(([measure]) =>
    arm.classes.some((one) => one.rounds.some((round) => round[measure] !== null)),
  );
  const name = `${arm.arm}, ${arm.model}`;
  return html`<h3>${name}</h3><figure><div class="panel-box"><h4 class="panel-title">Course <small>${plural(arm.seeds.length, 'seed')}; shaded: review</small></h4><div class="wide" tabindex="0" role="region" aria-label="Course of all rounds, ${name}">${interleavedCourse(
    arm,
  )}</div></div><div class="panels three after">${measures.map(([measure, title, axis]) => box(title, roundMeasure(arm, measure, axis)))}</div><figcaption><b>${name}.</b> Means over seeds with 95\u00a0% intervals where there are several. A score is the mean probability of the right answer over all items of the class.</figcaption></figure>${table(
    `Change of the end score per round, ${name}`,
    [
      { title: 'class', kind: 'plain' },
      { title: 'slope per round', kind: 'num' },
      { title: '95\u00a0% interval', kind: 'num' },
      { title: 'p', kind: 'num' },
      { title: 'seeds', kind: 'num' },
    ],
    arm.classes.map((one) => [
      one.class,
      signed(one.endSlope?.mean, 3),
      one.endSlope?.interval ? `${signed(one.endSlope.interval[0], 3)} to ${signed(one.endSlope.interval[1], 3)}` : '–',
      pValue(one.endSlope?.p),
      count(one.endSlope?.runs ?? 0),
    ]),
  )}`;
}
