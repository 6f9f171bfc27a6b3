import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/cli/terminal/duration.ts';
import { cut, renderTable } from '../../src/cli/terminal/table.ts';

describe('durations and amounts', () => {
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [61, '1 min 1 s'],
    [599, '9 min 59 s'],
    [601, '10 min'],
    [3599, '1 h'],
    [12_000, '3 h 20 min'],
    [187_200, '2 d 4 h'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('shows %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [12_345_678, '12 MB'],
    [999_600, '1.0 MB'],
  ])('shows %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0'],
    [870, '870'],
    [12_400, '12k'],
    [3_400_000, '3.4M'],
  ])('shows a count of %d as %s', (count, text) => expect(formatCount(count)).toBe(text));
});

describe('tables', () => {
  const columns = [{ title: 'run' }, { title: 'step', align: 'right' as const }, { title: 'reason', shrinks: true }];

  it('aligns numbers to the right and leaves no blanks at the end of a line', () => {
    expect(
      renderTable(columns, [
        ['d8', '5', ''],
        ['d32', '1200', 'waits for 2 cores'],
      ]),
    ).toEqual(['run  step  reason', 'd8      5', 'd32  1200  waits for 2 cores']);
  });

  it('cuts the column that may shrink when the terminal is narrow, never the others', () => {
    const lines = renderTable(columns, [['d32', '1200', 'waits for 2 of 2 cores']], 22);
    expect(lines[1]).toBe('d32  1200  waits for …');
    expect(Math.max(...lines.map((line) => line.length))).toBe(22);
  });

  it('does not count colours as cells', () => {
    const red = '\x1b[31mparked\x1b[39m';
    expect(renderTable([{ title: 'state' }, { title: 'try' }], [[red, '1']])[1]).toBe(`${red}  1`);
    expect(cut(red, 6)).toBe(red);
    expect(cut(red, 4)).toBe('par…');
  });
});
