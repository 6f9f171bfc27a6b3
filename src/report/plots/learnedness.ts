import type { ArmForgetting } from '../../statistics/analysis.ts';
import { count, decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import { CLASSES, classOf, tickText } from './forgetting-by-scale.ts';
import { axes, PANEL, panel, px } from './frame.ts';
import { type EndLabel, endLabels, marker, type Point, polyline, whisker } from './marks.ts';
import { linearScale, logScale } from './scales.ts';

/** Share of items learned at the end of finetuning (`learned`), or known before it (`known`), by class and scale; the whisker goes down to the run with the least. */
export function learnedness(arm: ArmForgetting, what: 'learned' | 'known', needed: number): Html {
  const frame = PANEL;
  const x = logScale(
    arm.scales.map((scale) => scale.scaleParameters),
    [frame.left, frame.right],
  );
  const y = linearScale([0, 1], [frame.bottom, frame.top]);
  const labels: EndLabel[] = [];
  const series = CLASSES.map((name, i) => {
    const points: Point[] = [];
    const whiskers = arm.scales.map((scale) => {
      const one = classOf(scale, name);
      const share = what === 'learned' ? one?.learnedShare : one?.knownBefore;
      if (one === undefined || share === undefined || share === null) return undefined;
      const at = { x: x.at(scale.scaleParameters) + (i - 1) * 5, y: y.at(share) };
      points.push(at);
      return what === 'learned' && one.leastLearnedShare < share && whisker(at.x, y.at(one.leastLearnedShare), at.y);
    });
    const last = points.at(-1);
    if (last) labels.push({ tone: name, text: name, y: last.y });
    return html`<g class="series-${name}">${polyline(points)}${whiskers}${points.map((at) => marker(name, at))}</g>`;
  });
  const at = px(y.at(needed));
  const limit =
    what === 'learned' &&
    html`<path class="limit" d="M${frame.left} ${at}H${frame.right}"/><text class="note" x="${frame.left + 6}" y="${px(y.at(needed) + 15)}">needed: ${decimal(needed)}</text>`;
  const text = {
    xTitle: 'non-embedding parameters (log)',
    yTitle: what === 'learned' ? 'share learned by the end of finetuning' : 'share known before finetuning',
    xTick: count,
    yTick: tickText,
  };
  return panel(
    frame,
    `${text.yTitle}, by class and scale${what === 'learned' ? `; ${decimal(needed)} is needed` : ''}.`,
    html`${axes(frame, x, y, text)}${limit}${series}${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}
