import type { ExampleClass } from '../../experiment/stage-spec.ts';
import {
  type ArmForgetting,
  type ClassForgetting,
  PRIMARY_MEASURES,
  type PrimaryMeasure,
  type ScaleForgetting,
} from '../../statistics/analysis.ts';
import { count, decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import { axes, emptyNote, PANEL, panel } from './frame.ts';
import { type EndLabel, endLabels, marker, type Point, polyline, whisker } from './marks.ts';
import { domainOf, linearScale, logScale } from './scales.ts';

export const CLASSES: readonly ExampleClass[] = ['unsafe', 'safe', 'task'];

export const MEASURE_NAMES: Readonly<Record<PrimaryMeasure, string>> = {
  continuous: 'probability lost',
  binary: 'share of items forgotten',
};

/** Without a learned item there is nothing to forget. */
export const NO_VALUE = 'no item was learned, so nothing was forgotten';

/** Mean forgetting of each class against scale with its 95 % interval between seeds, one panel for one measure. */
export function forgettingByScale(arm: ArmForgetting, measure: PrimaryMeasure): Html {
  const { scales } = arm;
  const frame = PANEL;
  const x = logScale(
    scales.map((scale) => scale.scaleParameters),
    [frame.left, frame.right],
  );
  const estimates = scales.flatMap((scale) =>
    scale.classes.flatMap((one) => PRIMARY_MEASURES.map((each) => one.measures[each])),
  );
  const domain = domainOf(
    estimates.flatMap((one) => [one?.mean, one?.interval?.[0], one?.interval?.[1]]),
    0.2,
    [0, 1],
  );
  const y = linearScale(domain, [frame.bottom, frame.top]);
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name, i) => {
    // Classes stand a little apart, so that their intervals do not hide each other.
    const shift = (i - 1) * 5;
    const points: Point[] = [];
    const whiskers = scales.map((scale) => {
      const estimate = classOf(scale, name)?.measures[measure];
      if (!estimate) return undefined;
      const at = { x: x.at(scale.scaleParameters) + shift, y: y.at(estimate.mean) };
      points.push(at);
      return estimate.interval && whisker(at.x, y.at(estimate.interval[0]), y.at(estimate.interval[1]));
    });
    const last = points.at(-1);
    if (last) labels.push({ tone: name, text: name, y: last.y });
    return html`<g class="series-${name}">${polyline(points)}${whiskers}${points.map((at) => marker(name, at))}</g>`;
  });
  const text = {
    xTitle: 'non-embedding parameters (log)',
    yTitle: MEASURE_NAMES[measure],
    xTick: count,
    yTick: tickText,
  };
  return panel(
    frame,
    description(arm, measure),
    html`${axes(frame, x, y, text)}${labels.length === 0 && emptyNote(frame, NO_VALUE)}${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}

export function classOf(scale: ScaleForgetting, name: ExampleClass): ClassForgetting | undefined {
  return scale.classes.find((one) => one.class === name);
}

/** `0`, `0.2`, `1`: tick labels without needless digits. */
export function tickText(value: number): string {
  return decimal(value, Number.isInteger(value) ? 0 : Number.isInteger(Number((value * 10).toPrecision(9))) ? 1 : 2);
}

function description(arm: ArmForgetting, measure: PrimaryMeasure): string {
  const said = arm.scales.map((scale) => {
    const values = CLASSES.map((name) => `${name} ${decimal(classOf(scale, name)?.measures[measure]?.mean)}`);
    return `${count(scale.scaleParameters)} parameters: ${values.join(', ')}`;
  });
  return `Forgetting against scale, ${MEASURE_NAMES[measure]}. ${said.join('; ')}.`;
}
