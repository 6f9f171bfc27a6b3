import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../experiment/message-of.ts';

/** Longest wait for the lock of another worker, which holds it for less than a millisecond. */
const BUSY_MS = 5_000;
/** Files of earlier boots are of no use to anybody; kept a while in case another machine of a shared home is still up. */
const OLD_MS = 90 * 86_400_000;

const SCHEMA = `CREATE TABLE IF NOT EXISTS jobs_1 (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, pid INTEGER, start_time INTEGER,
  owner_pid INTEGER NOT NULL, owner_start INTEGER NOT NULL, cores REAL NOT NULL, memory INTEGER NOT NULL, gpus INTEGER NOT NULL, slots INTEGER,
  attempt_folder TEXT NOT NULL, digest TEXT NOT NULL, seen_at INTEGER NOT NULL)`;

/** `$XDG_STATE_HOME/lethe`: for all stores of a user on this machine. */
export function defaultStateFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'lethe');
}

/**
 * Opens the table of local jobs in a folder. Its name holds the boot and the pid namespace, the only place where its pids mean anything: machines that share a
 * home folder, and containers that share a volume, have a file each. A damaged file is put aside: what it counted is found again in the store.
 */
export function openTable(folder: string, bootId: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const place = createHash('sha256')
      .update(`${bootId} ${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 12);
    const path = join(folder, `jobs-${place}.sqlite`);
    removeOld(folder);
    return openHealing(path);
  } catch (error) {
    const came = messageOf(error);
    throw new Error(
      `${folder}: expected a folder for the table of local jobs, got ${came}; set XDG_STATE_HOME to one that can be written`,
      {
        cause: error,
      },
    );
  }
}

function openHealing(path: string): DatabaseSync {
  for (let tries = 0; ; tries += 1) {
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      // Not durable: no row outlives its boot.
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${SCHEMA}`);
      return database;
    } catch (error) {
      database.close();
      if (tries === 50) throw error;
      if (isDamaged(error)) putAside(path);
      // SQLite does not wait when two processes turn on its write-ahead log at the same moment.
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (error.errcode === 11 || error.errcode === 26);
}

function putAside(path: string): void {
  try {
    renameSync(path, `${path}.damaged-${process.pid}`);
  } catch {
    // Another worker was faster.
  }
  for (const more of ['-wal', '-shm']) rmSync(`${path}${more}`, { force: true });
}

function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!/^jobs-[0-9a-f]{12}\.sqlite/.test(name)) continue;
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > OLD_MS) rmSync(path, { force: true });
  }
}
