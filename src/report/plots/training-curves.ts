import type { Curve, CurvePoint, ScaleForgetting } from '../../statistics/analysis.ts';
import { count, decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import { CLASSES, tickText } from './forgetting-by-scale.ts';
import { axes, type Frame, panel, px, SMALL_PANEL } from './frame.ts';
import { band, type EndLabel, endLabels, marker, type Point, polyline, type Tone } from './marks.ts';
import { domainOf, linearScale } from './scales.ts';

/** Learning and forgetting at one scale: mean probability of the answers over the finetune session and, after the dotted line, the review. */
export function learningCurves(curves: readonly Curve[], scale: ScaleForgetting, frame: Frame): Html {
  const here = curves.filter(
    (curve) =>
      curve.model === scale.model &&
      curve.value === 'probability' &&
      (curve.sessionKind === 'finetune' || curve.sessionKind === 'review'),
  );
  // An arm of several rounds has a picture of its own: here, up to the first review, which the contrast is about.
  const firstReview = Math.min(...here.filter((curve) => curve.sessionKind === 'review').map((curve) => curve.session));
  const sessions = [...new Set(here.map((curve) => curve.session))]
    .filter((session) => session <= firstReview)
    .sort((a, b) => a - b);
  const offsets = new Map<number, number>();
  let end = 0;
  for (const session of sessions) {
    offsets.set(session, end);
    end += Math.max(
      ...here.filter((curve) => curve.session === session).flatMap((curve) => curve.points.map((point) => point.step)),
    );
  }
  const x = linearScale([0, end || 1], [frame.left, frame.right], 4);
  const y = linearScale([0, 1], [frame.bottom, frame.top]);
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name) => {
    let before: CurvePoint | undefined;
    const drawn = sessions.map((session) => {
      const points = here.find((one) => one.session === session && one.class === name)?.points ?? [];
      // A session that was not scored before its first step starts where the one before it ended.
      const joined = before && points[0]?.step !== 0 ? [{ ...before, step: 0 }, ...points] : points;
      before = points.at(-1);
      return drawCurve(joined, name, (step) => x.at((offsets.get(session) ?? 0) + step), y.at);
    });
    const last = here
      .filter((curve) => curve.class === name && sessions.includes(curve.session))
      .sort((a, b) => a.session - b.session)
      .at(-1)
      ?.points.at(-1);
    if (last) labels.push({ tone: name, text: name, y: y.at(last.mean) });
    return html`<g class="series-${name}">${drawn}</g>`;
  });
  const borders = here
    .filter((curve) => curve.class === 'unsafe' && curve.session === firstReview)
    .map((curve) => {
      const at = px(x.at(offsets.get(curve.session) ?? 0));
      return html`<path class="review-start" d="M${at} ${frame.top}V${frame.bottom}"/><text class="note" x="${at}" y="${frame.top - 5}" text-anchor="middle">review</text>`;
    });
  const text = {
    xTitle: 'training step',
    yTitle: 'probability',
    xTick: (value: number) => String(value),
    yTick: tickText,
  };
  return panel(
    frame,
    `Mean probability of the answers by class over training at ${count(scale.scaleParameters)} parameters: finetuning, then review.`,
    html`${axes(frame, x, y, text)}${borders}${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}

/** Forgetting of one class over the review at every scale: the drop of probability since the end of finetuning, learned items. */
export function forgettingCurves(
  curves: readonly Curve[],
  scales: readonly ScaleForgetting[],
  name: (typeof CLASSES)[number],
): Html {
  const frame = SMALL_PANEL;
  const here = scales.map((scale) =>
    curves.find((curve) => curve.model === scale.model && curve.class === name && curve.value === 'forgetting'),
  );
  const all = curves.filter((curve) => curve.value === 'forgetting').flatMap((curve) => curve.points);
  const x = linearScale([0, Math.max(1, ...all.map((point) => point.step))], [frame.left, frame.right], 4);
  const y = linearScale(
    domainOf(
      all.map((point) => point.mean),
      0.2,
      [0, 1],
    ),
    [frame.bottom, frame.top],
  );
  const labels: EndLabel[] = [];
  const series = scales.map((scale, i) => {
    const points = here[i]?.points ?? [];
    const most = Math.max(0, ...points.map((point) => point.runs));
    const joined = points[0]?.step === 0 ? points : [{ step: 0, runs: most, mean: 0, interval: null }, ...points];
    const last = points.at(-1);
    if (last) labels.push({ tone: name, text: count(scale.scaleParameters), y: y.at(last.mean) });
    // Larger scales are drawn stronger; the label at the end names each.
    const strength = (0.35 + (0.65 * (i + 1)) / scales.length).toFixed(2);
    return html`<g opacity="${strength}">${drawCurve(joined, name, x.at, y.at, false)}</g>`;
  });
  const text = {
    xTitle: 'review step',
    yTitle: 'probability lost',
    xTick: (value: number) => String(value),
    yTick: tickText,
  };
  const said = scales.map(
    (scale, i) => `${count(scale.scaleParameters)} parameters: ${decimal(here[i]?.points.at(-1)?.mean)}`,
  );
  return panel(
    frame,
    `Forgetting of ${name} examples over the review, one line a scale. At its end: ${said.join('; ')}.`,
    html`${axes(frame, x, y, text)}<g class="series-${name} solid">${series}</g>${endLabels(together(labels), frame.right + 10, frame.top, frame.bottom)}`,
  );
}

/** Neighbouring labels whose lines end at one height become one (`all`, `≤ 316 k`, `≥ 1 M`): stacked names beside one line would say nothing. */
function together(labels: readonly EndLabel[]): readonly EndLabel[] {
  const groups: EndLabel[][] = [];
  for (const label of labels) {
    const group = groups.at(-1);
    if (group?.every((one) => Math.abs(one.y - label.y) < 9)) group.push(label);
    else groups.push([label]);
  }
  return groups.flatMap((group, g) => {
    const [first, last] = [group[0], group.at(-1)];
    if (!first || !last) return [];
    if (first === last) return [first];
    const text =
      groups.length === 1
        ? 'all'
        : g === 0
          ? `≤ ${last.text}`
          : g === groups.length - 1
            ? `≥ ${first.text}`
            : `from ${first.text}`;
    return [{ ...first, text, y: (first.y + last.y) / 2 }];
  });
}

/** A curve with its band; points that fewer seeds reach are hollow. */
function drawCurve(
  points: readonly CurvePoint[],
  tone: Tone,
  x: (step: number) => number,
  y: (value: number) => number,
  withBand = true,
): Html {
  const most = Math.max(0, ...points.map((point) => point.runs));
  const at = (point: CurvePoint, value: number): Point => ({
    x: x(point.step),
    y: y(Math.min(1, Math.max(-1, value))),
  });
  const marked = points.length <= MARKED_POINTS ? points : points.slice(-1);
  const ranged = points.filter((point) => point.interval !== null);
  return html`${
    withBand &&
    band(
      ranged.map((point) => at(point, Math.max(0, point.interval![0]))),
      ranged.map((point) => at(point, point.interval![1])),
    )
  }${polyline(points.map((point) => at(point, point.mean)))}${marked.map((point) => marker(tone, at(point, point.mean), point.runs < most))}`;
}

/** More points than this and markers would hide the line; then only the last is marked. */
const MARKED_POINTS = 16;
