import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { syncFolder } from '../publish.ts';
import {
  type ColumnType,
  RUN_SCORE_COLUMNS,
  type RunScoreRow,
  STAGE_SCORE_COLUMNS,
  type StageScoreRow,
} from './score-columns.ts';
import { sqlString, withTableDatabase } from './table-database.ts';

const CHUNK_ROWS = 2048;
const TYPES: Readonly<Record<ColumnType, DuckDBType>> = { VARCHAR, INTEGER, DOUBLE, BOOLEAN };

/** Writes a stage's table. Requires: rows ascending by step, then example. One connection serves many tables: opening one costs more than writing a table. */
export function writeStageScoreTable(
  path: string,
  rows: Iterable<StageScoreRow>,
  connection: DuckDBConnection,
): Promise<void> {
  return writeTable(path, STAGE_SCORE_COLUMNS, rows, connection);
}

/** Writes a sweep's table. Requires: rows ascending by run, session, step, example. */
export function writeRunScoreTable(path: string, rows: Iterable<RunScoreRow>): Promise<void> {
  return withTableDatabase((connection) => writeTable(path, RUN_SCORE_COLUMNS, rows, connection));
}

async function writeTable<Row extends object>(
  path: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: Iterable<Row>,
  connection: DuckDBConnection,
): Promise<void> {
  const names = Object.keys(columns) as (keyof Row & string)[];
  const types = Object.values(columns).map((type) => TYPES[type]);
  const definition = names.map((name) => `"${name}" ${columns[name]} NOT NULL`).join(', ');
  await connection.run(`CREATE OR REPLACE TABLE scores (${definition})`);
  const appender = await connection.createAppender('scores');
  let buffer: Row[] = [];
  const flush = (): void => {
    if (buffer.length === 0) return;
    const chunk = DuckDBDataChunk.create(types, buffer.length);
    names.forEach((name, column) => {
      chunk.setColumnValues(
        column,
        buffer.map((row) => row[name] as string | number | boolean),
      );
    });
    appender.appendDataChunk(chunk);
    buffer = [];
  };
  for (const row of rows) {
    buffer.push(row);
    if (buffer.length === CHUNK_ROWS) flush();
  }
  flush();
  appender.closeSync();
  await replaceByQuery(path, (temporary) =>
    connection.run(`COPY scores TO ${sqlString(temporary)} (FORMAT parquet, COMPRESSION zstd)`),
  );
}

/** Lets `write` make a file under a temporary name, then renames it to `path`: whole or not at all. The tables can be made again, so the newest stands. */
export async function replaceByQuery(path: string, write: (temporary: string) => Promise<unknown>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${basename(path)}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await write(temporary);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
}
