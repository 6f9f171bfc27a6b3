import { messageOf } from '../experiment/message-of.ts';
import { missingRights } from '../jobs/kubernetes/missing-rights.ts';
import type { DrillParts } from './drill-options.ts';
import type { DrillRow } from './drill-row.ts';
import type { RowResult } from './row-result.ts';
import { runRow, runUndisturbed, type Undisturbed } from './run-row.ts';

export interface DrillRun {
  readonly rows: readonly DrillRow[];
  /** Rows beside each other; those that need a node for themselves run one at a time beside them. */
  readonly parallel: number;
  readonly onResult: (result: RowResult) => void;
  readonly say: (text: string) => void;
  /** Ends the drill: rows under way are cleared away, the others not started. */
  readonly signal?: AbortSignal;
}

/** The undisturbed run, then every row that place and rights allow. Resolves to one result a row, in the order of `rows`. */
export async function runDrill(parts: DrillParts, run: DrillRun): Promise<readonly RowResult[]> {
  const results = new Map<string, RowResult>();
  const tell = (result: RowResult) => {
    results.set(result.row, result);
    run.onResult(result);
  };
  const open: DrillRow[] = [];
  for (const row of run.rows) {
    const why = await whyNot(parts, row);
    if (why === undefined) open.push(row);
    else tell({ row: row.name, status: 'not run', why });
  }
  if (open.length > 0) {
    run.say('the undisturbed run, which every row is compared with');
    const undisturbed = await runUndisturbed(parts, run.signal);
    const lane = (name: DrillRow['lane']) => open.filter((row) => row.lane === name);
    const one = (row: DrillRow) => rowOf(parts, row, undisturbed, run, tell);
    await Promise.all([inParallel(lane('beside'), run.parallel, one), inParallel(lane('node'), 1, one)]);
    await inParallel(lane('alone'), 1, one);
  }
  return run.rows.flatMap(({ name }) => results.get(name) ?? []);
}

async function rowOf(
  parts: DrillParts,
  row: DrillRow,
  undisturbed: Undisturbed,
  { signal, say }: DrillRun,
  tell: (result: RowResult) => void,
): Promise<void> {
  if (signal?.aborted) return tell({ row: row.name, status: 'not run', why: 'the drill was stopped' });
  say(`${row.name}: ${row.what}`);
  const started = performance.now();
  try {
    tell(await runRow(parts, row, undisturbed, signal));
  } catch (error) {
    const misses = [messageOf(error)];
    const seconds = (performance.now() - started) / 1_000;
    const nothing = { class: null, rule: null, action: null, attempts: 0, stepsLost: 0, timeToResumeMs: null } as const;
    tell({ row: row.name, status: 'missed', ...nothing, statistics: 'none', misses, seconds });
  }
}

/** Why a row cannot be run here and by this person; undefined when it can. */
async function whyNot({ api, means }: DrillParts, row: DrillRow): Promise<string | undefined> {
  if (row.access === 'cluster' && means === undefined) return 'needs cluster access';
  const lacking = await missingRights(api, row.rights ?? []);
  return lacking.length === 0 ? undefined : `needs the right to ${lacking.join(', ')}`;
}

async function inParallel<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, lane));
}
