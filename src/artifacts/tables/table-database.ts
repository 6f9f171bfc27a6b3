import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Half of what gathering may use: the other half is for the columns that JavaScript holds. */
const MEMORY_LIMIT = '1GB';
const MOST_THREADS = 4;

/**
 * Runs `use` on an in-memory DuckDB that spills to a temporary folder. DuckDB joins, filters, sorts and counts; it never sums floats, because its threads add in
 * an order that changes from run to run.
 */
export async function withTableDatabase<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const spill = await mkdtemp(join(tmpdir(), 'lethe-tables-'));
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      threads: String(Math.min(MOST_THREADS, availableParallelism())),
      temp_directory: spill,
      // No statement of ours needs the network or an extension.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    try {
      return await use(connection);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(spill, { recursive: true, force: true });
  }
}

/** A path or name as an SQL string. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
