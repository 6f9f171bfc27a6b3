import type { ParkedStage, ScaleSweepInput, SweepOverview } from '../experiment/sweep-control.ts';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';
import type { StageBoard } from './stage-board.ts';

const PARKED = 50;
const ROWS = 200;
const RUNS = 3;

/**
 * The sweep in Markdown for the Temporal UI, worst first: what is parked, with the reason and what to type, then what is in flight, then what is ready. Names of
 * stages lead to their workflows.
 */
export function liveTable(
  sweep: Pick<ScaleSweepInput, 'storeId' | 'sweepId'> & { readonly namespace: string },
  board: StageBoard,
  now: SweepOverview,
  verdict?: string,
): string {
  const link = (number: number) => {
    const stage = board.stage(number);
    const page = `/namespaces/${sweep.namespace}/workflows/${encodeURIComponent(stageWorkflowId(sweep.storeId, stage))}`;
    return `[${stage.label}](${page})`;
  };
  const rows: string[] = [];
  const row = (number: number, state: string) => {
    if (rows.length < ROWS) rows.push(`| ${link(number)} | ${state} | ${runsOf(board, number)} |`);
  };
  for (const number of board.elsewhere) row(number, 'in flight, started elsewhere');
  for (const number of board.running) row(number, 'in flight');
  const held = new Set(now.held);
  for (const number of board.ready.slice(0, ROWS)) {
    row(number, held.has(board.stage(number).label) ? '**held by the breaker**' : 'ready');
  }
  return [
    `**${sweep.sweepId}** · ${now.phase}${verdict === undefined ? '' : ` · verdict ${verdict}`} · ${counts(now)}`,
    ...parkedList(sweep.sweepId, now.parked, board, link),
    ...(rows.length === 0 ? [] : ['', '| stage | state | runs |', '|:--|:--|:--|', ...rows]),
    // The frame that the UI makes for it is a line too short.
    '',
    '\u00a0',
  ].join('\n');
}

function counts(now: SweepOverview): string {
  const found = now.jobsReused === 0 ? '' : ` (${now.jobsReused} found done)`;
  const rest = [
    [now.running.length, 'in flight'],
    [now.waiting, 'waiting'],
    [now.parked.length, 'parked'],
    [now.blocked, 'blocked by parked ones'],
    [now.held.length, 'held by the breaker'],
  ] as const;
  const told = rest.flatMap(([count, what]) => (count === 0 ? [] : [`, ${count} ${what}`]));
  return `${now.done} of ${now.stages} stages done${found}${told.join('')}`;
}

function parkedList(
  sweepId: string,
  parked: readonly ParkedStage[],
  board: StageBoard,
  link: (number: number) => string,
): string[] {
  if (parked.length === 0) return [];
  const items = parked.slice(0, PARKED).map(({ number, class: failure, rule, sentence, attempt, command }) => {
    const tried = attempt === 0 ? '' : `, attempt ${attempt}`;
    const lines = [
      `**${link(number)}** · **${failure}**${tried}: ${plain(rule)}`,
      ...(sentence === undefined ? [] : [`*${plain(sentence)}*`]),
      `missing: ${runsOf(board, number)}`,
      `\`${command}\``,
    ];
    // Two spaces end a line within an item.
    return `- ${lines.join('  \n  ')}`;
  });
  const more = parked.length > PARKED ? [`- … and ${parked.length - PARKED} more`] : [];
  return [
    '',
    'Parked; type the command when the cause is mended:',
    '',
    ...items,
    ...more,
    '',
    `All at once: \`lethe retry ${sweepId} --failed\``,
  ];
}

function runsOf(board: StageBoard, number: number): string {
  const runs = board.runsOf[number] ?? [];
  const named = runs.slice(0, RUNS).map((run) => run.id);
  return `${named.join(', ')}${runs.length > RUNS ? ` and ${runs.length - RUNS} more` : ''}`;
}

/** What others wrote, so that it is read as text. */
function plain(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll(/[\\`*_[\]<>|]/g, '\\$&');
}
