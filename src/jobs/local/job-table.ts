import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { admit, type Claim } from './admission.ts';
import type { Machine } from './machine.ts';
import { openTable } from './table-file.ts';

export interface TableEntry extends Claim {
  readonly attemptFolder: string;
  /** Digest of the job's spec: tells our own job from a foreign one of the same name. */
  readonly digest: string;
}

interface Row {
  readonly sequence: number;
  readonly name: string;
  readonly state: 'queued' | 'running';
  readonly pid: number | null;
  readonly start_time: number | null;
  readonly owner_pid: number;
  readonly owner_start: number;
  readonly cores: number;
  readonly memory: number;
  readonly gpus: number;
  readonly slots: number | null;
  readonly attempt_folder: string;
  readonly digest: string;
  readonly seen_at: number;
}

/** A queued job that no worker has asked about for so long is forgotten: its workflow was ended between launch and watch. It is queued again when asked about. */
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * The jobs of one user on one machine, queued and running, shared by all workers. It only counts: the truth about a job is in its own folder, so a lost table
 * costs nothing but the order of the queue. Each call is one short transaction that first drops the rows of the dead; locks end with their holder.
 */
export class JobTable {
  private readonly database: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  private readonly machine: Machine;
  private readonly owner: { readonly pid: number; readonly start: number };

  constructor(folder: string, machine: Machine) {
    this.machine = machine;
    this.owner = { pid: process.pid, start: machine.startTime(process.pid) ?? 0 };
    this.database = openTable(folder, machine.bootId);
  }

  /** Queues a job unless it is in the table. Returns false when another job holds its name. */
  enqueue(entry: TableEntry): boolean {
    return this.transaction(() => {
      const there = this.liveRow(entry.name);
      if (there === undefined) this.insert(entry, 'queued', undefined);
      return there === undefined || isSame(there, entry);
    });
  }

  /**
   * One look at the queue: forgets `ended`, keeps `waiting` alive (queued again when they were forgotten), and lets those of them start that fit. The admitted
   * are `running` without a pid from here on; the caller spawns them and says so by `started`, or takes them back by `release`.
   */
  turn(
    waiting: readonly TableEntry[],
    ended: readonly string[] = [],
  ): { admitted: string[]; reasons: ReadonlyMap<string, string> } {
    return this.transaction(() => {
      for (const name of ended) this.run('DELETE FROM jobs_1 WHERE name = ?', name);
      let rows = this.liveRows();
      const mine = new Map(waiting.map((entry) => [entry.name, entry]));
      for (const row of rows) if (mine.has(row.name)) this.keepAlive(row);
      const known = new Set(rows.map(({ name }) => name));
      const forgotten = waiting.filter(({ name }) => !known.has(name));
      for (const entry of forgotten) this.insert(entry, 'queued', undefined);
      if (forgotten.length > 0) rows = this.liveRows();
      const running = rows.filter(({ state }) => state === 'running').map(toClaim);
      const queue = rows.filter(({ state }) => state === 'queued').map(toClaim);
      const { admitted, waiting: reasons } = admit(running, queue, this.machine.capacity);
      const ours = admitted.filter((name) => mine.has(name));
      for (const name of ours) {
        this.run(
          'UPDATE jobs_1 SET state = ?, owner_pid = ?, owner_start = ? WHERE name = ?',
          'running',
          this.owner.pid,
          this.owner.start,
          name,
        );
      }
      return { admitted: ours, reasons };
    });
  }

  /** The admitted job has a process. */
  started(name: string, pid: number, startTime: number): void {
    this.run('UPDATE jobs_1 SET pid = ?, start_time = ? WHERE name = ?', pid, startTime, name);
  }

  /** A living job that was found without a row (its worker died between admission and spawn) counts again. */
  adopt(entry: TableEntry, pid: number, startTime: number): void {
    this.transaction(() => {
      const there = this.liveRow(entry.name);
      if (there?.pid === pid) return;
      if (there === undefined) this.insert(entry, 'running', { pid, startTime });
      else
        this.run(
          'UPDATE jobs_1 SET state = ?, pid = ?, start_time = ? WHERE name = ?',
          'running',
          pid,
          startTime,
          entry.name,
        );
    });
  }

  release(name: string): void {
    this.run('DELETE FROM jobs_1 WHERE name = ?', name);
  }

  /** Takes a job out of the queue; false when it is not queued (any more). */
  withdraw(name: string): boolean {
    return this.run("DELETE FROM jobs_1 WHERE name = ? AND state = 'queued'", name) > 0;
  }

  /** The state of a job's row, the dead left out. */
  state(name: string): 'queued' | 'running' | undefined {
    return this.liveRow(name)?.state;
  }

  /** Claims of all jobs in the table, for `doctor` and `status`. */
  list(): { running: Claim[]; queued: Claim[] } {
    const rows = this.transaction(() => this.liveRows());
    return {
      running: rows.filter(({ state }) => state === 'running').map(toClaim),
      queued: rows.filter(({ state }) => state === 'queued').map(toClaim),
    };
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  private liveRows(): Row[] {
    const rows = this.prepare('SELECT * FROM jobs_1 ORDER BY sequence').all() as unknown as Row[];
    return rows.filter((row) => this.keepLive(row));
  }

  private liveRow(name: string): Row | undefined {
    const row = this.prepare('SELECT * FROM jobs_1 WHERE name = ?').get(name) as unknown as Row | undefined;
    return row !== undefined && this.keepLive(row) ? row : undefined;
  }

  /** False for the row of a dead process, which is dropped; its sequence tells it from a row that took its name meanwhile. */
  private keepLive(row: Row): boolean {
    if (this.isLive(row, Date.now())) return true;
    this.run('DELETE FROM jobs_1 WHERE sequence = ?', row.sequence);
    return false;
  }

  private isLive(row: Row, now: number): boolean {
    if (row.state === 'running' && row.pid !== null) return this.machine.startTime(row.pid) === row.start_time;
    if (row.state === 'queued' && now - row.seen_at > FORGOTTEN_AFTER_MS) return false;
    if (row.owner_pid === this.owner.pid && row.owner_start === this.owner.start) return true;
    return this.machine.startTime(row.owner_pid) === row.owner_start;
  }

  private keepAlive(row: Row): void {
    if (row.state !== 'queued') return;
    const now = Date.now();
    if (row.owner_pid === this.owner.pid && now - row.seen_at < FORGOTTEN_AFTER_MS / 10) return;
    this.run(
      'UPDATE jobs_1 SET seen_at = ?, owner_pid = ?, owner_start = ? WHERE name = ?',
      now,
      this.owner.pid,
      this.owner.start,
      row.name,
    );
  }

  private insert(
    entry: TableEntry,
    state: Row['state'],
    process: { pid: number; startTime: number } | undefined,
  ): void {
    this.run(
      `INSERT INTO jobs_1 (name, state, pid, start_time, owner_pid, owner_start, cores, memory, gpus, slots, attempt_folder, digest, seen_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[entry.name, state, process?.pid ?? null, process?.startTime ?? null, this.owner.pid, this.owner.start],
      ...[
        entry.cores,
        entry.memoryBytes,
        entry.gpus,
        entry.slots ?? null,
        entry.attemptFolder,
        entry.digest,
        Date.now(),
      ],
    );
  }

  private transaction<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const value = work();
      this.database.exec('COMMIT');
      return value;
    } catch (error) {
      this.database.exec('ROLLBACK');
      throw error;
    }
  }

  private run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  private prepare(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

function isSame(row: Row, entry: TableEntry): boolean {
  return row.attempt_folder === entry.attemptFolder && row.digest === entry.digest;
}

function toClaim(row: Row): Claim {
  return { name: row.name, cores: row.cores, memoryBytes: row.memory, gpus: row.gpus, slots: row.slots ?? undefined };
}
