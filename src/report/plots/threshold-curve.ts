import type { ThresholdPoint } from '../../statistics/analysis.ts';
import { decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import { CLASSES, tickText } from './forgetting-by-scale.ts';
import { axes, type Frame, panel, px } from './frame.ts';
import { type EndLabel, endLabels, polyline } from './marks.ts';
import { linearScale } from './scales.ts';

/** Share of items called forgotten at one scale when the threshold φ on the ROUGE-1 drop moves; the plan's φ is the dashed line. */
export function thresholdCurve(
  points: readonly ThresholdPoint[],
  planned: number,
  scaleName: string,
  frame: Frame,
): Html {
  const sorted = [...points].sort((a, b) => a.phi - b.phi);
  const x = linearScale([0, Math.max(...sorted.map((point) => point.phi), planned)], [frame.left, frame.right]);
  const y = linearScale([0, 1], [frame.bottom, frame.top]);
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name) => {
    const drawn = sorted.flatMap((point) => {
      const value = point[name];
      return value === null ? [] : [{ x: x.at(point.phi), y: y.at(value) }];
    });
    const last = drawn.at(-1);
    if (last) labels.push({ tone: name, text: name, y: last.y });
    return html`<g class="series-${name}">${polyline(drawn)}</g>`;
  });
  const at = px(x.at(planned));
  const text = {
    xTitle: 'threshold φ on the ROUGE-1 drop',
    yTitle: 'share forgotten',
    xTick: tickText,
    yTick: tickText,
  };
  return panel(
    frame,
    `Share of items forgotten against the threshold, ${scaleName}; the plan uses ${decimal(planned)}.`,
    html`${axes(frame, x, y, text)}<path class="limit" d="M${at} ${frame.top}V${frame.bottom}"/><text class="note" x="${px(x.at(planned) + 5)}" y="${frame.bottom - 7}">φ = ${decimal(
      planned,
    )}</text>${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}
