import type { InterleavedArm, RoundMean, RoundMeasures } from '../../statistics/interleaved-rounds.ts';
import { count, decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import { CLASSES, tickText } from './forgetting-by-scale.ts';
import { axes, type Frame, panel, px, SMALL_PANEL } from './frame.ts';
import { type EndLabel, endLabels, marker, type Point, polyline, whisker } from './marks.ts';
import { domainOf, linearScale } from './scales.ts';

/** Twice as wide as a panel on a wide screen; on a phone it scrolls sideways in its box. */
export const COURSE: Frame = { width: 860, height: 300, left: 44, right: 788, top: 38, bottom: 254 };

/** All rounds in one line of time: the score of each class through finetuning (plain) and review (shaded). */
export function interleavedCourse(arm: InterleavedArm): Html {
  const frame = COURSE;
  const all = arm.course.flatMap((one) => one.points);
  const x = linearScale([0, Math.max(1, ...all.map((point) => point.at))], [frame.left, frame.right], 8);
  const y = linearScale([0, 1], [frame.bottom, frame.top]);
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name) => {
    const points = (arm.course.find((one) => one.class === name)?.points ?? [])
      .map((point) => ({ x: x.at(point.at), y: y.at(point.mean) }))
      .sort((a, b) => a.x - b.x);
    const last = points.at(-1);
    if (last) labels.push({ tone: name, text: name, y: last.y });
    return html`<g class="series-${name}">${polyline(points)}</g>`;
  });
  const rounds = [...new Set(all.map((point) => point.round))].sort((a, b) => a - b);
  const shades = rounds.map((round) => {
    const review = all
      .filter((point) => point.round === round && point.sessionKind === 'review')
      .map((point) => point.at);
    const finetune = all
      .filter((point) => point.round === round && point.sessionKind === 'finetune')
      .map((point) => point.at);
    const start = finetune.length > 0 ? Math.max(...finetune) : Math.min(...review);
    const left = x.at(finetune.length > 0 ? Math.min(...finetune) : start);
    return html`${
      review.length > 0 &&
      html`<rect class="equivalence" x="${px(x.at(start))}" width="${px(x.at(Math.max(...review)) - x.at(start))}" y="${frame.top}" height="${frame.bottom - frame.top}"/>`
    }<text class="note" x="${px(left)}" y="${frame.top - 4}">round ${round}</text>`;
  });
  const text = {
    xTitle: 'training step since round 1 began',
    yTitle: 'probability',
    xTick: (value: number) => String(value),
    yTick: tickText,
  };
  return panel(
    frame,
    `Course of all rounds of arm ${arm.arm}, model ${arm.model}: score of each class in finetuning and review sessions.`,
    html`${shades}${axes(frame, x, y, text)}${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}

export type RoundMeasure = 'end' | 'peak' | 'stepsToHalf' | 'savings' | 'residual' | 'natsLost';

/** One measure of each round, one line a class. */
export function roundMeasure(arm: InterleavedArm, measure: RoundMeasure, title: string): Html {
  const frame = SMALL_PANEL;
  const values = arm.classes.flatMap((one) => one.rounds.map((round) => round[measure]));
  const rounds = Math.max(1, ...arm.classes.flatMap((one) => one.rounds.map((round) => round.round)));
  const share = measure === 'end' || measure === 'peak' || measure === 'residual' || measure === 'savings';
  const numbers = values.flatMap((value) => [value?.mean, value?.interval?.[0], value?.interval?.[1]]);
  const largest = Math.max(1, ...numbers.filter((value): value is number => typeof value === 'number'));
  const domain = share
    ? domainOf(
        numbers.map((value) => value && Math.min(1, Math.max(-1, value))),
        0.2,
        [0, 1],
      )
    : domainOf(
        numbers.map((value) => value && Math.max(0, value)),
        10 ** Math.floor(Math.log10(largest)) / 2,
        [0],
      );
  const y = linearScale(domain, [frame.bottom, frame.top]);
  const inset = 14;
  const base = linearScale([1, Math.max(2, rounds)], [frame.left + inset, frame.right - inset]);
  const x = { ...base, ticks: Array.from({ length: rounds }, (_, i) => i + 1) };
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name, i) => {
    const own = arm.classes.find((one) => one.class === name)?.rounds ?? [];
    const drawn = own.flatMap((round) => place(round, measure, (i - 1) * 3, x.at, y.at, domain));
    const last = drawn.at(-1);
    if (last) labels.push({ tone: name, text: name, y: last.at.y });
    return html`<g class="series-${name}">${polyline(drawn.map((one) => one.at))}${drawn.map(
      (one) => html`${one.bar}${marker(name, one.at)}`,
    )}</g>`;
  });
  const text = {
    xTitle: 'round',
    yTitle: title,
    xTick: (value: number) => String(value),
    yTick: share ? tickText : (value: number) => count(value),
  };
  const said = CLASSES.map((name) => {
    const own = arm.classes.find((one) => one.class === name)?.rounds ?? [];
    return `${name} ${own.map((round) => decimal(round[measure]?.mean)).join(', ')}`;
  });
  return panel(
    frame,
    `${title} by round, arm ${arm.arm}, model ${arm.model}: ${said.join('; ')}.`,
    html`${axes(frame, x, y, text)}${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}

function place(
  round: RoundMeasures,
  measure: RoundMeasure,
  shift: number,
  x: (value: number) => number,
  y: (value: number) => number,
  domain: readonly [number, number],
): readonly { readonly at: Point; readonly bar: Html | undefined }[] {
  const value: RoundMean | null = round[measure];
  if (value === null) return [];
  const inside = (one: number): number => y(Math.min(domain[1], Math.max(domain[0], one)));
  const at = { x: x(round.round) + shift, y: inside(value.mean) };
  return [
    { at, bar: value.interval ? whisker(at.x, inside(value.interval[0]), inside(value.interval[1])) : undefined },
  ];
}
