import { type Html, type HtmlValue, html } from './html.ts';

export interface Column {
  readonly title: HtmlValue;
  /** `num` right-aligned digits, `text` room for a sentence, `plain` neither. */
  readonly kind: 'num' | 'text' | 'plain';
}

export type Cells = readonly HtmlValue[];

/** A table that scrolls inside its own box; the first cell of each row is its header. `startsGroup` draws a stronger line above a row. */
export function table(
  caption: HtmlValue,
  columns: readonly Column[],
  rows: readonly Cells[],
  startsGroup: (row: number) => boolean = () => false,
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${plain(caption)}"><table><caption><span>${caption}</span></caption><thead><tr>${columns.map(
    (column) => html`<th scope="col" class="${column.kind}">${column.title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (cells, r) =>
      html`<tr${startsGroup(r) && html` class="first"`}>${cells.map((cell, c) =>
        c === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="${columns[c]?.kind}">${cell}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

/** Name and value pairs; pairs without a value are left out. */
export function pairs(entries: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  const shown = entries.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '');
  return html`<dl class="pairs">${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

export function tag(tone: 'good' | 'warn' | 'bad' | 'plain', text: string): Html {
  return html`<span class="tag ${tone}">${text}</span>`;
}

function plain(caption: HtmlValue): string {
  return html`${caption}`.text.replace(/<[^>]*>/g, '').replace(/&[a-z#0-9]+;/g, ' ');
}
