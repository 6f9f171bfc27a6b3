import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { messageOf } from '../../experiment/message-of.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from '../../experiment/stage-spec.ts';
import { RUN_SCORE_COLUMNS } from './score-columns.ts';
import { sqlString, withTableDatabase } from './table-database.ts';

/** Thrown when a table is not what docs/formats.md says. The message names file, column and what came. */
export class BadTable extends Error {
  override readonly name = 'BadTable';
}

/** The rows of one run as columns, ascending by session and step; `item` numbers its examples. Valid only during the call that hands them over. */
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
 * Reads `scores.parquet`, or `scores.csv`, of a tables folder run by run, ascending by run, whatever the order in the file; `each` gets one run's columns at a time.
 * Throws `BadTable`.
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
  const within = `run BETWEEN ${sqlString(runs[0] as string)} AND ${sqlString(runs[runs.length - 1] as string)}`;
  await connection.run(`
    CREATE OR REPLACE TEMP TABLE batch_examples AS
    SELECT *, dense_rank() OVER (ORDER BY run)::INTEGER - 1 AS run_number,
      row_number() OVER (PARTITION BY run ORDER BY example, class, notion, cluster)::INTEGER - 1 AS item
    FROM (SELECT DISTINCT run, example, class, notion, cluster FROM scores WHERE ${within})`);
  const named = await connection.runAndReadAll(
    'SELECT run_number, example, class, notion, cluster FROM batch_examples ORDER BY run_number, item',
  );
  const examples = runs.map((): RunColumns['examples'][number][] => []);
  for (const [run, example, name, notion, cluster] of named.getRows()) {
    examples[Number(run)]?.push({
      example: String(example),
      class: String(name) as ExampleClass,
      notion: String(notion),
      cluster: String(cluster),
    });
  }
  const facts = await connection.stream(`
    SELECT e.run_number, e.item, s.session, s.step, s.tokens, s."sumLogProb", s.rouge1, s."exactMatch"
    FROM (SELECT * FROM scores WHERE ${within}) s JOIN batch_examples e USING (run, example, class, notion, cluster)
    ORDER BY e.run_number, s.session, s.step`);
  const collected = new GrowingColumns();
  let current = 0;
  const finish = (): void => {
    each(collected.take(runs[current] as string, examples[current] as RunColumns['examples']));
    current += 1;
  };
  for (;;) {
    const chunk = await facts.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const [run, ...values] = chunk.getColumns() as [number[], ...ValueColumns];
    for (let i = 0; i < run.length; i += 1) {
      while ((run[i] as number) > current) finish();
      collected.add(values, i);
    }
  }
  while (current < runs.length) finish();
}

type ValueColumns = [number[], number[], number[], number[], number[], number[], boolean[]];

/** Columns that grow by doubling and are used again for the next run. */
class GrowingColumns {
  private length = 0;
  private item = new Int32Array(4096);
  private session = new Int32Array(4096);
  private step = new Int32Array(4096);
  private tokens = new Int32Array(4096);
  private sumLogProb = new Float64Array(4096);
  private rouge1 = new Float64Array(4096);
  private exactMatch = new Uint8Array(4096);

  add([item, session, step, tokens, sumLogProb, rouge1, exactMatch]: ValueColumns, i: number): void {
    if (this.length === this.item.length) this.grow();
    const at = this.length;
    this.item[at] = item[i] as number;
    this.session[at] = session[i] as number;
    this.step[at] = step[i] as number;
    this.tokens[at] = tokens[i] as number;
    this.sumLogProb[at] = sumLogProb[i] as number;
    this.rouge1[at] = rouge1[i] as number;
    this.exactMatch[at] = exactMatch[i] === true ? 1 : 0;
    this.length += 1;
  }

  /** The rows since the last call, as views that the next `add` overwrites. */
  take(run: string, examples: RunColumns['examples']): RunColumns {
    const length = this.length;
    this.length = 0;
    return {
      run,
      examples,
      length,
      item: this.item.subarray(0, length),
      session: this.session.subarray(0, length),
      step: this.step.subarray(0, length),
      tokens: this.tokens.subarray(0, length),
      sumLogProb: this.sumLogProb.subarray(0, length),
      rouge1: this.rouge1.subarray(0, length),
      exactMatch: this.exactMatch.subarray(0, length),
    };
  }

  private grow(): void {
    const integers = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(from.length * 2);
      to.set(from);
      return to;
    };
    const floats = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(from.length * 2);
      to.set(from);
      return to;
    };
    const exactMatch = new Uint8Array(this.exactMatch.length * 2);
    exactMatch.set(this.exactMatch);
    this.exactMatch = exactMatch;
    this.item = integers(this.item);
    this.session = integers(this.session);
    this.step = integers(this.step);
    this.tokens = integers(this.tokens);
    this.sumLogProb = floats(this.sumLogProb);
    this.rouge1 = floats(this.rouge1);
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0] ?? '';
}
