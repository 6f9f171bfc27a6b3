import { type Html, html } from '../html.ts';
import { px } from './frame.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One drawn series: its colour, dash and marker come from the CSS class `series-<tone>`, its shape tells it apart without colour. */
export type Tone = 'unsafe' | 'safe' | 'task' | 'gap';

const SHAPES: Readonly<Record<Tone, 'circle' | 'square' | 'triangle' | 'diamond'>> = {
  unsafe: 'circle',
  safe: 'square',
  task: 'triangle',
  gap: 'diamond',
};

export function polyline(points: readonly Point[]): Html {
  if (points.length < 2) return html``;
  return html`<path class="line" d="${pathOf(points)}"/>`;
}

/** The band between two curves over the same x. */
export function band(lower: readonly Point[], upper: readonly Point[]): Html {
  if (lower.length < 2) return html``;
  return html`<path class="band" d="${pathOf([...upper, ...[...lower].reverse()])}Z"/>`;
}

export function marker(tone: Tone, at: Point, hollow = false): Html {
  const { x, y } = at;
  const kind = hollow ? 'mark hollow' : 'mark';
  switch (SHAPES[tone]) {
    case 'circle':
      return html`<circle class="${kind}" cx="${px(x)}" cy="${px(y)}" r="4"/>`;
    case 'square':
      return html`<rect class="${kind}" x="${px(x - 3.6)}" y="${px(y - 3.6)}" width="7.2" height="7.2"/>`;
    case 'triangle':
      return html`<path class="${kind}" d="M${px(x)} ${px(y - 4.8)}L${px(x + 4.6)} ${px(y + 3.6)}L${px(x - 4.6)} ${px(y + 3.6)}Z"/>`;
    case 'diamond':
      return html`<path class="${kind}" d="M${px(x)} ${px(y - 5.2)}L${px(x + 5.2)} ${px(y)}L${px(x)} ${px(y + 5.2)}L${px(x - 5.2)} ${px(y)}Z"/>`;
  }
}

/** Interval as a vertical stroke with short caps. */
export function whisker(x: number, low: number, high: number): Html {
  return html`<path class="whisker" d="M${px(x)} ${px(low)}V${px(high)}M${px(x - 3)} ${px(low)}h6M${px(x - 3)} ${px(high)}h6"/>`;
}

export interface EndLabel {
  readonly tone: Tone | 'fit';
  readonly text: string;
  readonly y: number;
}

/** Names at the right end of their lines, moved apart when they would overlap; keeps the order of the lines; lines at one height stay in the order given. */
export function endLabels(labels: readonly EndLabel[], x: number, top: number, bottom: number): Html {
  const gap = 15;
  const sorted = [...labels].sort((a, b) => Math.round(a.y / 3) - Math.round(b.y / 3));
  const ys = sorted.map((label) => label.y);
  for (let i = 1; i < ys.length; i++) ys[i] = Math.max(ys[i]!, ys[i - 1]! + gap);
  const over = (ys.at(-1) ?? 0) - bottom;
  if (over > 0) for (let i = ys.length - 1; i >= 0; i--) ys[i] = Math.min(ys[i]!, bottom - (ys.length - 1 - i) * gap);
  return html`${sorted.map(
    (label, i) =>
      html`<text class="series-label series-${label.tone}" x="${px(x)}" y="${px(Math.max(ys[i]!, top) + 4)}">${label.text}</text>`,
  )}`;
}

function pathOf(points: readonly Point[]): string {
  return points.map((point, i) => `${i === 0 ? 'M' : 'L'}${px(point.x)} ${px(point.y)}`).join('');
}
