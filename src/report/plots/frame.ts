import { type Html, type HtmlValue, html } from '../html.ts';
import type { Scale } from './scales.ts';

/** One panel and the plot's rectangle in it. Panels stack on a phone, so that their text stays readable there. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Two in a row on a wide screen. */
export const PANEL: Frame = { width: 392, height: 290, left: 42, right: 328, top: 28, bottom: 244 };

/** Three in a row on a wide screen. */
export const SMALL_PANEL: Frame = { width: 320, height: 240, left: 40, right: 254, top: 28, bottom: 196 };

export interface AxisText {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly xTick: (value: number) => string;
  readonly yTick: (value: number) => string;
}

/** A panel with its title for screen readers. `description` says what the picture shows, in a sentence. */
export function panel(frame: Frame, description: string, content: HtmlValue): Html {
  return html`<svg class="panel" viewBox="0 0 ${frame.width} ${frame.height}" role="img" preserveAspectRatio="xMidYMid meet"><title>${description}</title>${content}</svg>`;
}

/** Horizontal grid lines, both axes, tick labels, axis titles; labels that would touch are left out. */
export function axes(frame: Frame, x: Scale, y: Scale, text: AxisText): Html {
  let lastRight = Number.NEGATIVE_INFINITY;
  const xTicks = x.ticks.map((tick) => {
    const at = x.at(tick);
    const label = text.xTick(tick);
    const half = label.length * 3.4;
    const fits = at - half > lastRight + 5;
    if (fits) lastRight = at + half;
    return html`<line class="tick" x1="${px(at)}" x2="${px(at)}" y1="${frame.bottom}" y2="${frame.bottom + 5}"/>${
      fits && html`<text class="tick-label" x="${px(at)}" y="${frame.bottom + 18}" text-anchor="middle">${label}</text>`
    }`;
  });
  const yTicks = y.ticks.map(
    (tick) =>
      html`<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${frame.left}" x2="${frame.right}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/><text class="tick-label" x="${
        frame.left - 8
      }" y="${px(y.at(tick) + 4)}" text-anchor="end">${text.yTick(tick)}</text>`,
  );
  return html`<g>${yTicks}<line class="axis" x1="${frame.left}" x2="${frame.right}" y1="${frame.bottom}" y2="${frame.bottom}"/>${xTicks}<text class="axis-title" x="${px(
    (frame.left + frame.right) / 2,
  )}" y="${frame.bottom + 38}" text-anchor="middle">${text.xTitle}</text><text class="axis-title" x="2" y="${Math.min(frame.top - 15, 14)}">${text.yTitle}</text></g>`;
}

/** Said in the middle of a plot that has no point. */
export function emptyNote(frame: Frame, text: string): Html {
  return html`<text class="note" x="${px((frame.left + frame.right) / 2)}" y="${px((frame.top + frame.bottom) / 2)}" text-anchor="middle">${text}</text>`;
}

/** Coordinates with one decimal: a tenth of a pixel is enough, and keeps files small and bytes stable. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
