import { formatCount, formatDuration } from '../terminal/duration.ts';
import type { Output, Tone } from '../terminal/output.ts';
import { type Column, cut, renderTable } from '../terminal/table.ts';
import type { RunStatus, StageState, SweepStatus } from './sweep-status.ts';

const COLUMNS: readonly Column[] = [
  { title: 'run' },
  { title: 'at' },
  { title: 'stage' },
  { title: 'state' },
  { title: 'try', align: 'right' },
  { title: 'step', align: 'right' },
  { title: 'loss', align: 'right' },
  { title: 'tok/s', align: 'right' },
  { title: 'saved', align: 'right' },
  { title: 'left', align: 'right' },
  { title: 'reason', shrinks: true },
];

const TONES: Partial<Record<StageState, Tone>> = {
  parked: 'bad',
  held: 'bad',
  cancelled: 'bad',
  unreachable: 'warn',
  waiting: 'warn',
  stopping: 'warn',
  paused: 'warn',
  running: 'good',
  blocked: 'faint',
  ready: 'faint',
  done: 'faint',
};

/** `quickstart~0123456789ab  running  41 %  13/36 stages  8/24 runs  12k tok/s  3 min left` */
export function statusLine(status: SweepStatus): string {
  const parts = [
    status.sweep,
    status.phase,
    `${Math.floor(status.share * 100)} %`,
    `${status.stages.done}/${status.stages.total} stages`,
    `${status.runs.done}/${status.runs.total} runs`,
    ...(status.stages.active > 0 ? [`${status.stages.active} active`] : []),
    ...(status.stages.parked > 0 ? [`${status.stages.parked} parked`] : []),
    ...(status.tokensPerSecond > 0 ? [`${formatCount(status.tokensPerSecond)} tok/s`] : []),
    ...(status.secondsLeft === undefined ? [] : [`${formatDuration(status.secondsLeft)} left`]),
    ...(status.verdict === undefined ? [] : [status.verdict]),
  ];
  return parts.join('  ');
}

/** Header, bar and table; `rows` limits the table, what is left out is counted by state. */
export function renderStatus(status: SweepStatus, output: Output, rows = Number.POSITIVE_INFINITY): string[] {
  const shown = status.rows.slice(0, rows);
  const table = renderTable(
    COLUMNS,
    shown.map((row) => cells(row, output)),
    output.width,
  );
  const hidden = status.rows.slice(shown.length);
  const lines = [output.paint('strong', cut(statusLine(status), output.width))];
  if (output.live) lines.push(bar(status.share, Math.min(60, output.width - 2), output));
  if (status.reason !== undefined) lines.push(cut(status.reason, output.width));
  lines.push('', output.paint('strong', table[0]!), ...table.slice(1));
  if (hidden.length > 0) lines.push(output.paint('faint', `… and ${countByState(hidden)}`));
  lines.push(...howToGoOn(status));
  return lines;
}

/** One command a parked stage while they are few, otherwise the one that re-opens all. */
function howToGoOn(status: SweepStatus): string[] {
  const commands = [...new Set(status.rows.flatMap((row) => row.stage.command ?? []))];
  const shown = commands.length <= 3 ? commands : [`lethe retry ${status.sweep} --failed`];
  return shown.map((command) => `  to go on: ${command}`);
}

function cells(row: RunStatus, output: Output): string[] {
  const { stage } = row;
  const tone = TONES[row.state];
  return [
    row.run,
    row.position,
    stage.kind,
    tone === undefined ? row.state : output.paint(tone, row.state),
    stage.attempt === undefined ? '' : String(stage.attempt),
    stage.step === undefined ? '' : `${stage.step}${stage.steps === undefined ? '' : `/${stage.steps}`}`,
    stage.loss === undefined ? '' : stage.loss.toPrecision(3),
    stage.tokensPerSecond === undefined ? '' : formatCount(stage.tokensPerSecond),
    stage.checkpointAt === undefined
      ? ''
      : `${formatDuration(Math.max(0, (Date.now() - Date.parse(stage.checkpointAt)) / 1000))} ago`,
    stage.secondsLeft === undefined ? '' : formatDuration(stage.secondsLeft),
    stage.reason ?? '',
  ];
}

function bar(share: number, width: number, output: Output): string {
  const full = Math.round(Math.min(1, share) * width);
  return `${output.paint('good', '━'.repeat(full))}${output.paint('faint', '─'.repeat(width - full))}`;
}

function countByState(rows: readonly RunStatus[]): string {
  const counts = new Map<StageState, number>();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}
