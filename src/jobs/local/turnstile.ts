import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { Latch } from '../latch.ts';
import type { JobTable, TableEntry } from './job-table.ts';

/** How often a worker looks whether jobs of other workers have made room. */
const POLL_MS = 1_000;

interface Waiter {
  readonly spec: JobSpec;
  readonly entry: TableEntry;
  /** Opens when the job's state may have changed; with an error when the table could not be asked. */
  readonly changed: Latch<Error | null>;
}

/**
 * Lets the queued jobs of one worker start when their turn has come: only those that somebody waits for, so that a job whose workflow is gone never starts.
 * Room that a job of this worker leaves is given on at once; room left by other workers' jobs is seen within a second.
 */
export class Turnstile {
  private readonly table: JobTable;
  private readonly start: (spec: JobSpec) => void;
  private readonly waiting = new Map<string, Waiter>();
  private readonly reasons = new Map<string, string>();
  /** The last look at the queue that a job was part of: without a later one there is nothing new for it. */
  private readonly lastLook = new Map<string, number>();
  private looks = 0;
  private poll: NodeJS.Timeout | undefined;

  /** `start` spawns an admitted job and throws when it cannot. */
  constructor(table: JobTable, start: (spec: JobSpec) => void) {
    this.table = table;
    this.start = start;
  }

  /** Waits for the job's turn and starts it; resolves when its state may have changed, after `ms`, or when `signal` fires. */
  async pass(spec: JobSpec, entry: TableEntry, ms: number, signal?: AbortSignal): Promise<void> {
    const waiter = this.waiting.get(spec.name) ?? { spec, entry, changed: new Latch<Error | null>() };
    this.waiting.set(spec.name, waiter);
    if (this.lastLook.get(spec.name) !== this.looks) this.turn();
    this.poll ??= setInterval(() => this.turnForAll(), POLL_MS).unref();
    const error = await waiter.changed.wait(ms, signal);
    if (waiter.changed.value === undefined) this.lastLook.set(spec.name, this.looks);
    else this.lastLook.delete(spec.name);
    if (this.waiting.get(spec.name) === waiter) this.waiting.delete(spec.name);
    if (this.waiting.size === 0) this.close();
    if (error) throw error;
  }

  /** A job of this worker has ended: its room is free. */
  leave(name: string): void {
    this.turn([name]);
  }

  /** The queue has changed for this job (it was withdrawn). */
  wake(name: string): void {
    this.waiting.get(name)?.changed.open(null);
  }

  /** What a queued job waits for, as of the last look. */
  reason(name: string): string | undefined {
    return this.reasons.get(name);
  }

  close(): void {
    clearInterval(this.poll);
    this.poll = undefined;
  }

  /** The regular look also finds what other workers did with jobs of this one. */
  private turnForAll(): void {
    for (const waiter of this.waiting.values()) this.stillWaits(waiter);
    this.turn();
  }

  private turn(ended: readonly string[] = []): void {
    this.looks += 1;
    try {
      const waiters = [...this.waiting.values()].filter(({ changed }) => changed.value === undefined);
      const entries = waiters.map(({ entry }) => entry);
      const { admitted, reasons } = this.table.turn(entries, ended);
      this.reasons.clear();
      for (const [name, reason] of reasons) this.reasons.set(name, reason);
      for (const name of admitted) this.admit(name);
    } catch (error) {
      for (const { changed } of this.waiting.values()) changed.open(asError(error));
    }
  }

  /** Started by another worker meanwhile, or stopped: whoever waits has to look again. */
  private stillWaits({ spec, changed }: Waiter): boolean {
    const over =
      existsSync(join(spec.attemptFolder, 'launched.json')) || existsSync(join(spec.attemptFolder, 'stop.json'));
    if (over) changed.open(null);
    return !over;
  }

  private admit(name: string): void {
    const waiter = this.waiting.get(name);
    if (waiter === undefined) return;
    try {
      // Looked at after the admission: a cancel that found the job queued had published stop.json before.
      if (this.stillWaits(waiter)) this.start(waiter.spec);
      else this.table.release(name);
      waiter.changed.open(null);
    } catch (error) {
      this.table.release(name);
      waiter.changed.open(asError(error));
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
