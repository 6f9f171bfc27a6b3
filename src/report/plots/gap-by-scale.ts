import {
  type ForgettingAnalysis,
  PRIMARY_MEASURES,
  type PrimaryMeasure,
  type RunContrast,
} from '../../statistics/analysis.ts';
import { count, decimal, signed } from '../format.ts';
import { type Html, html } from '../html.ts';
import { NO_VALUE, tickText } from './forgetting-by-scale.ts';
import { axes, emptyNote, PANEL, panel, px } from './frame.ts';
import { type EndLabel, endLabels, marker, type Point, polyline, whisker } from './marks.ts';
import { domainOf, linearScale, logScale } from './scales.ts';

/** The contrast that decides, min(unsafe − safe, unsafe − task), against scale: runs as dots, means with 95 % intervals, the equivalence band ±δ, the straight line. */
export function gapByScale(analysis: ForgettingAnalysis, measure: PrimaryMeasure): Html {
  const frame = PANEL;
  const arm = analysis.arms.find((one) => one.role === 'primary');
  const scales = arm?.scales ?? [];
  const runs = analysis.runs.filter((run) => run.arm === analysis.plan.primaryArm);
  const delta = analysis.plan.smallestEffect;
  const x = logScale(
    scales.map((scale) => scale.scaleParameters),
    [frame.left, frame.right],
  );
  const estimates = scales.map((scale) => scale.contrasts[measure].smaller);
  // Both measures share one axis, so that the panels can be compared by eye.
  const both = PRIMARY_MEASURES.flatMap((one) => [
    ...scales.flatMap((scale) => {
      const smaller = scale.contrasts[one].smaller;
      return [smaller?.mean, smaller?.interval?.[0], smaller?.interval?.[1]];
    }),
    ...runs.map((run) => run.contrasts[one].smaller ?? undefined),
  ]);
  const domain = domainOf(both, 0.2, [-delta, delta, 0.4]);
  const y = linearScale(domain, [frame.bottom, frame.top]);
  const labels: EndLabel[] = [
    { tone: 'fit', text: `+${decimal(delta)}`, y: y.at(delta) },
    { tone: 'fit', text: `−${decimal(delta)}`, y: y.at(-delta) },
  ];

  const mean: Point[] = [];
  const whiskers = scales.map((scale, i) => {
    const estimate = estimates[i];
    if (!estimate) return undefined;
    const at = { x: x.at(scale.scaleParameters), y: y.at(estimate.mean) };
    mean.push(at);
    return estimate.interval && whisker(at.x, y.at(estimate.interval[0]), y.at(estimate.interval[1]));
  });
  const last = mean.at(-1);
  if (last) labels.push({ tone: 'gap', text: 'gap', y: last.y });

  const dots = scales.map((scale) => {
    const here = runs.filter((run) => run.model === scale.model);
    return here.map((run, i) => dot(run, measure, x.at(scale.scaleParameters) + (i - (here.length - 1) / 2) * 5, y.at));
  });
  const line = analysis.shapes[measure].find((fit) => fit.shape === 'line');
  const linePoints = (line?.curve ?? []).map((point) => ({ x: x.at(10 ** point.x), y: y.at(point.y) }));
  const band = html`<rect class="equivalence" x="${frame.left}" width="${frame.right - frame.left}" y="${px(y.at(delta))}" height="${px(
    y.at(-delta) - y.at(delta),
  )}"/>`;
  const lineEnd = linePoints.at(-1);
  if (lineEnd) labels.push({ tone: 'fit', text: 'line', y: lineEnd.y });
  const fit =
    linePoints.length > 1 && html`<path class="fit" d="M${linePoints.map((p) => `${px(p.x)} ${px(p.y)}`).join('L')}"/>`;
  const text = {
    xTitle: 'non-embedding parameters (log)',
    yTitle: 'unsafe minus the nearer other class',
    xTick: count,
    yTick: tickText,
  };
  const said = scales.map((scale, i) => `${count(scale.scaleParameters)} parameters: ${signed(estimates[i]?.mean)}`);
  return panel(
    frame,
    `Gap in forgetting against scale, ${measure} measure, with the equivalence band of plus or minus ${decimal(delta)}. ${said.join('; ')}.`,
    html`${band}${axes(frame, x, y, text)}<path class="limit" d="M${frame.left} ${px(y.at(delta))}H${frame.right}M${frame.left} ${px(y.at(-delta))}H${frame.right}"/>${mean.length === 0 && emptyNote(frame, NO_VALUE)}${fit}<g class="series-gap">${dots}${polyline(mean)}${whiskers}${mean.map(
      (at) => marker('gap', at),
    )}</g>${endLabels(labels, frame.right + 10, frame.top, frame.bottom)}`,
  );
}

function dot(run: RunContrast, measure: PrimaryMeasure, x: number, y: (value: number) => number): Html | undefined {
  const value = run.contrasts[measure].smaller;
  if (value === null) return undefined;
  return html`<circle class="dot" cx="${px(x)}" cy="${px(y(value))}" r="2.6"><title>${run.run}: ${signed(value, 3)}</title></circle>`;
}
