import { sqlString, withTableDatabase } from './table-database.ts';
import { replaceByQuery } from './write-score-table.ts';

/** One training session of one run and the table of the stage that carried it out. */
export interface SessionTable {
  readonly run: string;
  readonly session: number;
  readonly path: string;
}

/**
 * Joins the tables of stages into the table of a sweep, sorted by run, session, step, example; returns its number of rows. A stage that several runs share
 * stands under each of them. Within a stage's table the order is kept, so that only two integers a row are sorted.
 */
export async function mergeScoreTables(sessions: readonly SessionTable[], target: string): Promise<number> {
  const ordered = [...sessions].sort((a, b) => (a.run < b.run ? -1 : a.run > b.run ? 1 : a.session - b.session));
  const paths = [...new Set(ordered.map(({ path }) => path))];
  const numberOf = new Map(paths.map((path, number) => [path, number]));
  return withTableDatabase(async (connection) => {
    await connection.run('CREATE TABLE sessions (position INTEGER, run VARCHAR, session INTEGER, file INTEGER)');
    const appender = await connection.createAppender('sessions');
    ordered.forEach(({ run, session, path }, position) => {
      appender.appendInteger(position);
      appender.appendVarchar(run);
      appender.appendInteger(session);
      appender.appendInteger(numberOf.get(path) as number);
      appender.endRow();
    });
    appender.closeSync();
    const rows = `
      SELECT s.run, s.session, t.step, t.example, t.class, t.notion, t.cluster, t.tokens, t."sumLogProb", t.rouge1, t."exactMatch"
      FROM read_parquet([${paths.map(sqlString).join(', ')}], file_row_number = true, filename = true) t
      JOIN (VALUES ${paths.map((path, number) => `(${number}, ${sqlString(path)})`).join(', ')}) f(file, path) ON t.filename = f.path
      JOIN sessions s ON s.file = f.file
      ORDER BY s.position, t.file_row_number`;
    await replaceByQuery(target, (temporary) =>
      connection.run(`COPY (${rows}) TO ${sqlString(temporary)} (FORMAT parquet, COMPRESSION zstd)`),
    );
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM read_parquet(${sqlString(target)})`);
    return Number(counted.getRows()[0]?.[0] ?? 0);
  });
}
