import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DRILL_MATRIX } from '../../src/drill/matrix.ts';
import { drillCells, drillSummary } from '../../src/drill/render-drill.ts';
import type { RowResult } from '../../src/drill/row-result.ts';
import { KeptRows } from '../cluster/drill/kept-rows.ts';
import { resultsPage } from '../cluster/drill/results-page.ts';

const row = DRILL_MATRIX.find(({ name }) => name === 'exit-70')!;

function result(timeToResumeMs: number, misses: readonly string[] = []): RowResult {
  const finding = { class: 'crash', rule: 'r', action: 'relaunched', attempts: 2, stepsLost: 2 } as const;
  const status = misses.length === 0 ? 'held' : 'missed';
  return { row: row.name, status, ...finding, timeToResumeMs, statistics: 'equal', misses, seconds: 9 };
}

describe('the results of a drill', () => {
  it('are a line a row, with how often it held and every miss by name', () => {
    const results = [result(1_000), result(3_000), result(9_000, ['expected class crash, got stuck'])];
    const page = resultsPage([{ row, results }], { date: '2026-01-01', machine: '2 cores', rounds: 3 });
    expect(page).toContain('2 of 3 held; class right in 3 of 3.');
    expect(page).toContain('| crash | relaunched | 2/3 | 2 | 3.0 s (9.0 s) | equal |');
    expect(page).toContain('- exit-70: expected class crash, got stuck');
  });

  it('show what was not run, and why', () => {
    const left: RowResult = { row: 'kubelet-killed', status: 'not run', why: 'needs cluster access' };
    expect(drillCells(left).at(-1)).toBe('needs cluster access: not run');
    expect(drillSummary([left, result(1), result(1, ['x'])])).toBe('1 held, 1 missed, 1 not run');
  });

  it('are kept row by row, and a line that was cut off is made again', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-rows-'));
    const file = join(folder, 'drill.md.rows');
    new KeptRows(file).add(1, result(1));
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"round":2,"res`);
    const kept = new KeptRows(file);
    expect([kept.has(1, 'exit-70'), kept.has(2, 'exit-70')]).toEqual([true, false]);
    kept.add(2, result(2));
    expect(new KeptRows(file).of('exit-70')).toHaveLength(2);
    rmSync(folder, { recursive: true });
  });
});
