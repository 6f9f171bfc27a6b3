import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { EXAMPLE_CLASSES, type ExampleClass } from '../../experiment/stage-spec.ts';
import { RUN_SCORE_COLUMNS } from './score-columns.ts';
import { sqlString, withTableDatabase } from './table-database.ts';

/** Thrown when a table is not what docs/formats.md says. The message names file, column and what came. */
export class BadTable extends Error {
  override readonly name = 'BadTable';
}

/** The rows of one run as columns; `item` numbers its examples. */
export interface RunColumns {
  readonly run: string;
  /** Ascending by name; an example that came with two classes or clusters stands twice. */
  readonly examples: readonly {
    readonly example: string;
    readonly class: ExampleClass;
    readonly notion: string;
    readonly cluster: string;
  }[];
  readonly length: number;
  readonly session: Int32Array;
  readonly step: Int32Array;
  readonly item: Int32Array;
  readonly tokens: Int32Array;
  readonly sumLogProb: Float64Array;
  readonly rouge1: Float64Array;
  readonly exactMatch: Uint8Array;
}

/** Rows that are in memory at a time, about. */
const BATCH_ROWS = 500_000;

/**
 * Reads `scores.parquet`, or `scores.csv`, of a tables folder run by run, ascending by run; `each` gets one run's columns at a time, ascending by session, step and
 * example whatever the order in the file. Throws `BadTable`.
 */
export async function readScoreTable(folder: string, each: (columns: RunColumns) => void): Promise<void> {
  const { path, csv } = await findTable(folder);
  await withTableDatabase(async (connection) => {
    await openTable(connection, path, csv);
    await checkValues(connection, path);
    const counted = await connection.runAndReadAll('SELECT run, count(*) FROM scores GROUP BY run ORDER BY run');
    let batch: string[] = [];
    let rows = 0;
    for (const [run, count] of counted.getRows()) {
      batch.push(String(run));
      rows += Number(count);
      if (rows < BATCH_ROWS) continue;
      await readBatch(connection, batch, each);
      batch = [];
      rows = 0;
    }
    if (batch.length > 0) await readBatch(connection, batch, each);
  });
}

async function findTable(folder: string): Promise<{ path: string; csv: boolean }> {
  for (const name of ['scores.parquet', 'scores.csv']) {
    const path = join(folder, name);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return { path, csv: name.endsWith('.csv') };
  }
  throw new BadTable(`${folder}: expected scores.parquet or scores.csv (docs/formats.md, Tables), found neither`);
}

/** Makes the relation `scores` with the columns' own types; a cell that does not fit its type is null in it and is found by `checkValues`. */
async function openTable(connection: DuckDBConnection, path: string, csv: boolean): Promise<void> {
  const source = csv
    ? `read_csv(${sqlString(path)}, header = true, all_varchar = true, nullstr = '')`
    : `read_parquet(${sqlString(path)})`;
  let described: DuckDBValue[][];
  try {
    described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)).getRows();
  } catch (error) {
    throw new BadTable(
      `${path}: expected ${csv ? 'comma-separated values' : 'a Parquet file'}, got: ${firstLine(error)}`,
    );
  }
  const found = new Map(described.map(([name, type]) => [String(name), String(type)]));
  for (const [name, type] of Object.entries(RUN_SCORE_COLUMNS)) {
    const came = found.get(name);
    if (came === undefined) {
      throw new BadTable(`${path}: expected a column ${name} (${type}), found only ${[...found.keys()].join(', ')}`);
    }
    if (!csv && !fits(type, came)) throw new BadTable(`${path}: expected column ${name} of type ${type}, got ${came}`);
  }
  const columns = Object.entries(RUN_SCORE_COLUMNS).map(([name, type]) =>
    type === 'VARCHAR' ? `"${name}"::VARCHAR AS "${name}"` : `TRY_CAST("${name}" AS ${type}) AS "${name}"`,
  );
  const raw = Object.keys(RUN_SCORE_COLUMNS).map((name) => `"${name}"::VARCHAR AS "raw_${name}"`);
  // A view keeps Parquet's row groups prunable; hand-made CSV is small and read once.
  await connection.run(
    csv
      ? `CREATE TEMP TABLE scores AS SELECT ${[...columns, ...raw].join(', ')} FROM ${source}`
      : `CREATE TEMP VIEW scores AS SELECT ${[...columns, ...raw].join(', ')} FROM ${source}`,
  );
}

function fits(type: string, came: string): boolean {
  if (type === 'VARCHAR') return came === 'VARCHAR' || came.startsWith('ENUM');
  if (type === 'INTEGER') return /^U?(TINY|SMALL|BIG)?INT(EGER)?$/.test(came);
  if (type === 'DOUBLE') return /^(DOUBLE|FLOAT|DECIMAL|U?(TINY|SMALL|BIG)?INT(EGER)?)/.test(came);
  return came === type;
}

/** What every cell must be: a condition that a bad cell meets, and the words for it. */
const RULES: readonly {
  readonly column: keyof typeof RUN_SCORE_COLUMNS;
  readonly bad: string;
  readonly expected: string;
}[] = [
  { column: 'run', bad: 'run IS NULL', expected: 'a run' },
  { column: 'session', bad: 'session IS NULL OR session < 0', expected: 'an integer ≥ 0' },
  { column: 'step', bad: 'step IS NULL OR step < 0', expected: 'an integer ≥ 0' },
  { column: 'example', bad: 'example IS NULL', expected: 'an example' },
  {
    column: 'class',
    bad: `class IS NULL OR class NOT IN (${EXAMPLE_CLASSES.map(sqlString).join(', ')})`,
    expected: EXAMPLE_CLASSES.join(', '),
  },
  { column: 'notion', bad: 'notion IS NULL', expected: 'a notion' },
  { column: 'cluster', bad: 'cluster IS NULL', expected: 'a cluster' },
  { column: 'tokens', bad: 'tokens IS NULL OR tokens < 1', expected: 'an integer ≥ 1' },
  {
    column: 'sumLogProb',
    bad: '"sumLogProb" IS NULL OR NOT isfinite("sumLogProb") OR "sumLogProb" > 1e-6',
    expected: 'a finite number ≤ 0',
  },
  { column: 'rouge1', bad: 'rouge1 IS NULL OR NOT rouge1 BETWEEN 0 AND 1', expected: 'a number from 0 to 1' },
  { column: 'exactMatch', bad: '"exactMatch" IS NULL', expected: 'true or false' },
];

async function checkValues(connection: DuckDBConnection, path: string): Promise<void> {
  const tests = RULES.map(({ bad }) => `count(*) FILTER (WHERE ${bad})`);
  const [counts] = (await connection.runAndReadAll(`SELECT ${tests.join(', ')}, count(*) FROM scores`)).getRows();
  if (Number(counts?.at(-1) ?? 0) === 0) throw new BadTable(`${path}: expected rows, found none`);
  for (const [i, { column, bad, expected }] of RULES.entries()) {
    const count = Number(counts?.[i] ?? 0);
    if (count === 0) continue;
    const found = await connection.runAndReadAll(
      `SELECT "raw_${column}", concat_ws(' · ', raw_run, raw_session, raw_step, raw_example) FROM scores WHERE ${bad} LIMIT 1`,
    );
    const [came, where] = found.getRows()[0] ?? [];
    throw new BadTable(
      `${path}: column ${column}: expected ${expected}, got ${came === null ? 'nothing' : JSON.stringify(String(came))} ` +
        `in the row ${String(where)}${count > 1 ? ` and ${count - 1} more` : ''}`,
    );
  }
}

async function readBatch(
  connection: DuckDBConnection,
  runs: readonly string[],
  each: (columns: RunColumns) => void,
): Promise<void> {
  // Bounds let Parquet skip row groups of other runs.
  const first = sqlString(runs[0] as string);
  const last = sqlString(runs[runs.length - 1] as string);
  await connection.run(`
    CREATE OR REPLACE TEMP TABLE batch_examples AS
    SELECT run, example, class, notion, cluster, row_number() OVER (ORDER BY run, example, class, notion, cluster)::INTEGER - 1 AS item
    FROM (SELECT DISTINCT run, example, class, notion, cluster FROM scores WHERE run BETWEEN ${first} AND ${last})`);
  const named = (
    await connection.runAndReadAll('SELECT run, example, class, notion, cluster FROM batch_examples ORDER BY item')
  ).getRows();
  const facts = await connection.stream(`
    SELECT e.item, s.session, s.step, s.tokens, s."sumLogProb", s.rouge1, s."exactMatch"
    FROM scores s JOIN batch_examples e USING (run, example, class, notion, cluster)
    WHERE s.run BETWEEN ${first} AND ${last}
    ORDER BY e.item`);

  // Items of one run are neighbours, so rows sorted by item come run after run.
  const ends: number[] = [];
  for (const [i, row] of named.entries()) if (row[0] !== named[i + 1]?.[0]) ends.push(i + 1);
  let run = 0;
  let collected = new GrowingColumns();
  const finish = (): void => {
    const start = ends[run - 1] ?? 0;
    const examples = named.slice(start, ends[run]).map(([, example, name, notion, cluster]) => ({
      example: String(example),
      class: String(name) as ExampleClass,
      notion: String(notion),
      cluster: String(cluster),
    }));
    each(collected.sorted(String(named[start]?.[0]), examples, start));
    collected = new GrowingColumns();
    run += 1;
  };
  for (;;) {
    const chunk = await facts.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const [item, ...values] = chunk.getColumns() as [
      number[],
      number[],
      number[],
      number[],
      number[],
      number[],
      boolean[],
    ];
    for (let i = 0; i < chunk.rowCount; i += 1) {
      while ((item[i] as number) >= (ends[run] as number)) finish();
      collected.add(item[i] as number, values, i);
    }
  }
  while (run < ends.length) finish();
}

type ValueColumns = readonly [number[], number[], number[], number[], number[], boolean[]];

/** Columns that grow by doubling. */
class GrowingColumns {
  private length = 0;
  private integers = [0, 1, 2, 3].map(() => new Int32Array(1024));
  private floats = [0, 1].map(() => new Float64Array(1024));
  private exact = new Uint8Array(1024);

  add(item: number, [session, step, tokens, sumLogProb, rouge1, exactMatch]: ValueColumns, i: number): void {
    if (this.length === this.exact.length) this.grow();
    const at = this.length;
    const [items, sessions, steps, tokenCounts] = this.integers as [Int32Array, Int32Array, Int32Array, Int32Array];
    const [sums, rouges] = this.floats as [Float64Array, Float64Array];
    items[at] = item;
    sessions[at] = session[i] as number;
    steps[at] = step[i] as number;
    tokenCounts[at] = tokens[i] as number;
    sums[at] = sumLogProb[i] as number;
    rouges[at] = rouge1[i] as number;
    this.exact[at] = exactMatch[i] === true ? 1 : 0;
    this.length += 1;
  }

  /** One run's columns ascending by session, step, item; items counted from `firstItem`. */
  sorted(run: string, examples: RunColumns['examples'], firstItem: number): RunColumns {
    const [items, sessions, steps, tokens] = this.integers as [Int32Array, Int32Array, Int32Array, Int32Array];
    const [sums, rouges] = this.floats as [Float64Array, Float64Array];
    const order = Uint32Array.from({ length: this.length }, (_, i) => i).sort(
      (a, b) =>
        (sessions[a] as number) - (sessions[b] as number) ||
        (steps[a] as number) - (steps[b] as number) ||
        (items[a] as number) - (items[b] as number),
    );
    const integers = (from: Int32Array, shift = 0): Int32Array =>
      Int32Array.from(order, (i) => (from[i] as number) - shift);
    return {
      run,
      examples,
      length: this.length,
      session: integers(sessions),
      step: integers(steps),
      item: integers(items, firstItem),
      tokens: integers(tokens),
      sumLogProb: Float64Array.from(order, (i) => sums[i] as number),
      rouge1: Float64Array.from(order, (i) => rouges[i] as number),
      exactMatch: Uint8Array.from(order, (i) => this.exact[i] as number),
    };
  }

  private grow(): void {
    const size = this.exact.length * 2;
    const larger = <T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T => {
      to.set(from as never);
      return to;
    };
    this.integers = this.integers.map((column) => larger(column, new Int32Array(size)));
    this.floats = this.floats.map((column) => larger(column, new Float64Array(size)));
    this.exact = larger(this.exact, new Uint8Array(size));
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
