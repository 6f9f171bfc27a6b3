import type { RowResult } from './row-result.ts';

export const DRILL_COLUMNS = [
  { title: 'row' },
  { title: 'class' },
  { title: 'action' },
  { title: 'steps lost, at least', align: 'right' },
  { title: 'to resume', align: 'right' },
  { title: 'statistics' },
  { title: 'verdict' },
] as const;

/** One line of the table: what a person reads of a row. */
export function drillCells(result: RowResult): readonly string[] {
  if (result.status === 'not run') return [result.row, '', '', '', '', '', `${result.why}: not run`];
  const { row, status, action, stepsLost, timeToResumeMs, statistics } = result;
  const resume = timeToResumeMs === null ? '–' : `${(timeToResumeMs / 1_000).toFixed(1)} s`;
  return [row, result.class ?? '–', action ?? '–', String(stepsLost), resume, statistics, status];
}

/** The last line: how many held, missed, and were not run. */
export function drillSummary(results: readonly RowResult[]): string {
  const count = (status: RowResult['status']) => results.filter((result) => result.status === status).length;
  return `${count('held')} held, ${count('missed')} missed, ${count('not run')} not run`;
}
