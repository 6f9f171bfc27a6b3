import type { DrillRow } from '../../../src/drill/drill-row.ts';
import type { RowResult } from '../../../src/drill/row-result.ts';

export interface ResultsOfRow {
  readonly row: DrillRow;
  readonly results: readonly RowResult[];
}

export interface PageFacts {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
}

type Finished = Extract<RowResult, { readonly status: 'held' | 'missed' }>;

/** docs/results/drill.md: how often each row held, what it cost, and every miss by name. */
export function resultsPage(rows: readonly ResultsOfRow[], { date, machine, rounds }: PageFacts): string {
  const all = rows.flatMap(({ results }) => results).filter(isFinished);
  const held = all.filter(({ status }) => status === 'held').length;
  const right = rows.flatMap(({ row, results }) => results.filter(isFinished).filter((one) => isRightClass(row, one)));
  return `# The failure ledger, drilled

${date}, ${machine}, \`npm run drill:full\`: every row of the matrix ${rounds} times on the test cluster (two nodes, shortened timings; docs/test-cluster.md says what it proves and what not).

${held} of ${all.length} held; class right in ${right.length} of ${all.length}. Steps lost: most of all rounds, against a checkpoint interval of 5 where the row names no other, and at least: what trainers told before they ended, a line a second and one at each checkpoint. Every successor went on from the newest whole checkpoint. Times to resume, from the fault to the first new step, are of this machine with other rows beside; where a lost node comes first, its detection is in them.

| row | what is done | class | action | held | steps lost, at least | to resume, median (longest) | statistics |
| --- | --- | --- | --- | --: | --: | --: | --- |
${rows.map(lineOf).join('\n')}
${missesOf(all)}`;
}

function lineOf({ row, results }: ResultsOfRow): string {
  const finished = results.filter(isFinished);
  const held = finished.filter(({ status }) => status === 'held').length;
  const lost = Math.max(0, ...finished.map(({ stepsLost }) => stepsLost));
  const statistics = [...new Set(finished.map((one) => one.statistics))].join(', ');
  const cells = [
    row.name,
    row.what,
    row.expected.failure ?? '–',
    row.expected.action,
    `${held}/${finished.length}`,
    String(lost),
    timesOf(finished),
    statistics,
  ];
  return `| ${cells.join(' | ')} |`;
}

function timesOf(finished: readonly Finished[]): string {
  const times = finished.flatMap(({ timeToResumeMs }) => timeToResumeMs ?? []).sort((a, b) => a - b);
  const median = times[Math.floor((times.length - 1) / 2)];
  const longest = times.at(-1);
  if (median === undefined || longest === undefined) return '–';
  return `${seconds(median)} (${seconds(longest)})`;
}

function missesOf(all: readonly Finished[]): string {
  const missed = all.filter(({ status }) => status === 'missed');
  if (missed.length === 0) return '';
  return `\n## Missed\n\n${missed.map(({ row, misses }) => `- ${row}: ${misses.join('; ')}`).join('\n')}\n`;
}

function isRightClass({ expected }: DrillRow, result: Finished): boolean {
  return (expected.failure ?? null) === result.class;
}

function isFinished(result: RowResult): result is Finished {
  return result.status !== 'not run';
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
