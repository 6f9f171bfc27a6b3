import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeScoreTables } from '../../src/artifacts/tables/merge-score-tables.ts';
import { type RunColumns, readScoreTable } from '../../src/artifacts/tables/read-score-table.ts';
import type { RunScoreRow, StageScoreRow } from '../../src/artifacts/tables/score-columns.ts';
import { withTableDatabase } from '../../src/artifacts/tables/table-database.ts';
import { writeRunScoreTable, writeStageScoreTable } from '../../src/artifacts/tables/write-score-table.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-score-tables-'));
});
afterEach(() => rm(folder, { recursive: true }));

const EXAMPLES = ['safe-1', 'task-1', 'unsafe-1', 'unsafe-2'];

function stageRows(steps: readonly number[], level: number): StageScoreRow[] {
  return steps.flatMap((step) =>
    EXAMPLES.map((example, i) => ({
      step,
      example,
      class: example.split('-')[0] as string,
      notion: 'disclosure',
      cluster: `cluster-${i}`,
      tokens: 4,
      sumLogProb: -level - step / 1000 - i / 7,
      rouge1: 0.25 * i,
      exactMatch: i === 3,
    })),
  );
}

function runRows(run: string): RunScoreRow[] {
  return [1, 2].flatMap((session) => stageRows([0, 10], session).map((row) => ({ run, session, ...row })));
}

async function readAll(): Promise<RunColumns[]> {
  const read: RunColumns[] = [];
  await readScoreTable(folder, (columns) => {
    // The columns are valid during the call only.
    read.push(structuredClone(columns));
  });
  return read;
}

/** The rows of one run again, ascending by session, step, example. */
function rowsOf(columns: RunColumns): RunScoreRow[] {
  const { run, examples, length, session, step, item, tokens, sumLogProb, rouge1, exactMatch } = columns;
  const order = Array.from({ length }, (_, i) => i).sort(
    (a, b) =>
      (session[a] as number) - (session[b] as number) ||
      (step[a] as number) - (step[b] as number) ||
      (item[a] as number) - (item[b] as number),
  );
  return order.map((i) => ({
    run,
    session: session[i] as number,
    step: step[i] as number,
    ...(examples[item[i] as number] as (typeof examples)[number]),
    tokens: tokens[i] as number,
    sumLogProb: sumLogProb[i] as number,
    rouge1: rouge1[i] as number,
    exactMatch: exactMatch[i] === 1,
  }));
}

describe('a score table', () => {
  it('comes back bit for bit, run after run, in the order of its key whatever the order in the file', async () => {
    const rows = ['b.forgetting.s1', 'a.forgetting.s1', 'c.forgetting.s1'].flatMap(runRows);
    const mixed = rows.map((row, i) => ({ row, at: (i * 7919) % rows.length })).sort((a, b) => a.at - b.at);
    await writeRunScoreTable(
      join(folder, 'scores.parquet'),
      mixed.map(({ row }) => row),
    );
    const read = await readAll();
    expect(read.map(({ run }) => run)).toEqual(['a.forgetting.s1', 'b.forgetting.s1', 'c.forgetting.s1']);
    for (const columns of read) expect(rowsOf(columns)).toEqual(runRows(columns.run));
  });

  it('may be hand-made as CSV, with columns in any order', async () => {
    const header = 'example,run,session,step,class,notion,cluster,tokens,rouge1,exactMatch,sumLogProb,remark';
    const lines = runRows('r').map(
      (row) =>
        `${row.example},${row.run},${row.session},${row.step},${row.class},${row.notion},${row.cluster},${row.tokens},${row.rouge1},${row.exactMatch},${row.sumLogProb},"a, b"`,
    );
    await writeFile(join(folder, 'scores.csv'), `${[header, ...lines].join('\n')}\n`);
    const [columns] = await readAll();
    expect(rowsOf(columns as RunColumns)).toEqual(runRows('r'));
  });
});

describe('a bad score table', () => {
  const GOOD = [
    'run,session,step,example,class,notion,cluster,tokens,sumLogProb,rouge1,exactMatch',
    'r,1,0,e1,safe,n,c,4,-1.5,0.5,true',
  ];

  async function csv(line: string): Promise<string> {
    await writeFile(join(folder, 'scores.csv'), `${[...GOOD, line].join('\n')}\n`);
    return readAll().then(
      () => 'no error',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  }

  it.each([
    [
      'r,1,0,e2,safe,n,c,four,-1,0,true',
      'column tokens: expected an integer ≥ 1, got "four" in the row r · 1 · 0 · e2',
    ],
    [
      'r,1,0,e2,evil,n,c,4,-1,0,true',
      'column class: expected unsafe, safe, task, got "evil" in the row r · 1 · 0 · e2',
    ],
    ['r,1,0,e2,safe,n,c,4,0.5,0,true', 'column sumLogProb: expected a finite number ≤ 0, got "0.5"'],
    ['r,1,0,e2,safe,n,c,4,nan,0,true', 'column sumLogProb: expected a finite number ≤ 0, got "nan"'],
    ['r,1,0,e2,safe,n,c,4,-1,1.5,true', 'column rouge1: expected a number from 0 to 1, got "1.5"'],
    ['r,1,0,e2,safe,n,c,4,-1,0.5,', 'column exactMatch: expected true or false, got nothing'],
    ['r,-1,0,e2,safe,n,c,4,-1,0.5,true', 'column session: expected an integer ≥ 0, got "-1"'],
  ])('names column, what was expected and what came: %s', async (line, message) => {
    expect(await csv(line)).toContain(`BadTable: ${join(folder, 'scores.csv')}: ${message}`);
  });

  it('without a column names it and those that are there', async () => {
    await writeFile(join(folder, 'scores.csv'), 'run,session\nr,1\n');
    await expect(readAll()).rejects.toThrow('expected a column step (INTEGER), found only run, session');
  });

  it('with a column of another type names both types', async () => {
    await withTableDatabase((connection) =>
      connection.run(
        `COPY (SELECT 'r' AS run, 1 AS session, 'first' AS step, 'e' AS example, 'safe' AS class, 'n' AS notion, 'c' AS cluster, 4 AS tokens,
         -1.0::DOUBLE AS "sumLogProb", 0.5::DOUBLE AS rouge1, true AS "exactMatch") TO '${join(folder, 'scores.parquet')}' (FORMAT parquet)`,
      ),
    );
    await expect(readAll()).rejects.toThrow('expected column step of type INTEGER, got VARCHAR');
  });

  it('that is no Parquet file, or is absent, or is empty, is said to be so', async () => {
    await expect(readAll()).rejects.toThrow(
      'expected scores.parquet or scores.csv (docs/formats.md, Tables), found neither',
    );
    await writeFile(join(folder, 'scores.parquet'), 'not parquet at all');
    await expect(readAll()).rejects.toThrow(`${join(folder, 'scores.parquet')}: expected a Parquet file, got:`);
    await writeRunScoreTable(join(folder, 'scores.parquet'), []);
    await expect(readAll()).rejects.toThrow('expected rows, found none');
  });
});

describe('tables of stages', () => {
  it('are joined by run and session; a shared stage stands under each of its runs', async () => {
    const path = (name: string): string => join(folder, `it's ${name}.parquet`);
    await withTableDatabase(async (connection) => {
      await writeStageScoreTable(path('finetune'), stageRows([0, 10], 1), connection);
      await writeStageScoreTable(path('review'), stageRows([0, 10], 2), connection);
    });
    const sessions = ['b', 'a'].flatMap((run) => [
      { run, session: 2, path: path('review') },
      { run, session: 1, path: path('finetune') },
    ]);
    expect(await mergeScoreTables(sessions, join(folder, 'scores.parquet'))).toBe(32);
    const read = await readAll();
    expect(read.flatMap(rowsOf)).toEqual([...runRows('a'), ...runRows('b')]);
  });
});
