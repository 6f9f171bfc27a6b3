import type { ScaleSweepInput, SweepOverview } from '../experiment/sweep-control.ts';
import type { StageBoard } from './stage-board.ts';

const ROWS = 200;

/** The sweep in Markdown for the Temporal UI, worst first: parked stages, then those in flight, then the ready ones; at most 200 rows. */
export function liveTable(input: ScaleSweepInput, board: StageBoard, now: SweepOverview, verdict?: string): string {
  const rows: string[] = [];
  const row = (stage: number, state: string, why = '') => {
    if (rows.length >= ROWS) return;
    const runs = board.runsOf[stage] ?? [];
    const named =
      runs.length <= 2 ? runs.map((run) => run.id).join(', ') : `${runs[0]?.id} and ${runs.length - 1} more`;
    rows.push(
      `| ${board.stage(stage).label} | ${named} | ${state} | ${why.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`,
    );
  };
  for (const stage of now.parked) row(stage.number, `**${stage.class}**`, `${stage.rule}. \`${stage.command}\``);
  for (const number of board.elsewhere) row(number, 'in another workflow');
  for (const number of board.running) row(number, 'in flight');
  const held = new Set(now.held);
  for (const number of board.ready.slice(0, ROWS))
    row(number, held.has(board.stage(number).label) ? 'held by breaker' : 'ready');
  const table = rows.length === 0 ? [] : ['', '| stage | runs | state | why |', '|---|---|---|---|', ...rows];
  return [
    `**${input.sweepId}** · ${now.phase}${verdict === undefined ? '' : ` · verdict ${verdict}`}`,
    '',
    `${now.done} of ${now.stages} stages done (${now.jobsReused} found done), ${now.running.length} in flight, ${now.waiting} waiting, ` +
      `${now.blocked} blocked by parked ones, ${now.parked.length} parked, ${now.held.length} held by the breaker.`,
    ...table,
  ].join('\n');
}
