import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The column that gives way when the terminal is narrow; one at most. */
  readonly shrinks?: boolean;
}

/** A table of plain text: columns as wide as their content, two blanks between them, cut to `width`. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => visibleLength(row[index] ?? ''))),
  );
  const total = widths.reduce((sum, one) => sum + one, 0) + 2 * (columns.length - 1);
  const shrinking = columns.findIndex((column) => column.shrinks);
  if (total > width && shrinking >= 0) {
    widths[shrinking] = Math.max(columns[shrinking]!.title.length, widths[shrinking]! - (total - width));
  }
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => pad(cell, widths[index]!, columns[index]!.align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)];
}

/** Cells of a column in a terminal; escape sequences take none. */
export function visibleLength(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const length = visibleLength(text);
  if (length > width) return cut(text, width);
  const padding = ' '.repeat(width - length);
  return align === 'left' ? text + padding : padding + text;
}

/** The text in at most `width` cells, `…` at the end where something was left out. Colours are dropped from a text that is cut. */
export function cut(text: string, width: number): string {
  if (visibleLength(text) <= width) return text;
  return `${[...stripVTControlCharacters(text)].slice(0, Math.max(0, width - 1)).join('')}…`;
}
