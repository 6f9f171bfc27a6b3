import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../artifacts/store.ts';
import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import { messageOf } from '../experiment/message-of.ts';
import { isAlive } from '../temporal/process-identity.ts';
import { awaitSweep, describeSweep, type SweepEnd } from '../temporal/sweep-client.ts';
import type { StoreAccess } from './access/store-access.ts';
import {
  type EmbeddedWorker,
  runningEmbeddedWorker,
  type StoppedByHand,
  stoppedByHand,
  WorkerKeepsEnding,
  workerLog,
} from './embedded-worker.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Interrupts, listenForInterrupts } from './interrupt.ts';
import { type Connection, connectStore, sweepLink } from './session.ts';
import { SweepObserver } from './status/observe-sweep.ts';
import { renderStatus, statusLine } from './status/render-status.ts';
import type { SweepStatus } from './status/sweep-status.ts';
import { tellSweepEnd } from './tell-sweep-end.ts';
import type { Output } from './terminal/output.ts';

export interface Followed {
  readonly access: StoreAccess;
  readonly store: Store;
  readonly sweep: StoredSweep;
  readonly output: Output;
  readonly slots?: number;
}

const TICK_MS = 1_000;
const PLAIN_MS = 10_000;
const JSON_MS = 5_000;
const SECOND_PRESS_MS = 2_000;
const MOST_RESTARTS = 5;
const RESTARTS_WITHIN_MS = 120_000;

/** Shows the sweep until it has ended, then its last screen. Server and worker are started again when they die meanwhile, but not when somebody stopped the store. */
export async function followToTheEnd(followed: Followed): Promise<ExitCode> {
  using interrupts = listenForInterrupts();
  const end = await follow(followed, interrupts);
  if (end !== 'interrupted' && 'by' in end) return tellStopped(followed, end);
  // Awaited here: otherwise the listener is gone before the second press.
  return end === 'interrupted' ? await farewell(followed, interrupts) : await tellSweepEnd(followed, end);
}

async function follow(followed: Followed, interrupts: Interrupts): Promise<SweepEnd | StoppedByHand | 'interrupted'> {
  const { access, store, sweep, output } = followed;
  const reference = { storeId: store.id, sweepId: sweep.id };
  const observer = new SweepObserver(access, store, sweep);
  const processes = new Processes(followed);
  const printer = new Printer(output);
  let troubled = false;
  try {
    while (!interrupts.first.aborted) {
      const stopped = processes.began ? stoppedByHand(store.path) : undefined;
      if (stopped !== undefined) return stopped;
      try {
        const connection = await processes.keepUp();
        const described = await describeSweep(connection, reference);
        if (described.status === 'ended') return described.end;
        printer.show(await observer.observe(connection), sweepLink(connection, sweep.id));
        troubled = false;
        await Promise.race([sleep(TICK_MS, undefined, { signal: interrupts.first }), processes.over()]).catch(
          () => undefined,
        );
      } catch (error) {
        if (error instanceof WorkerKeepsEnding) throw error;
        if (interrupts.first.aborted) break;
        if (!troubled) output.say(`the server does not answer (${firstLine(error)}); trying again`);
        troubled = true;
        processes.forget();
        await sleep(TICK_MS, undefined, { signal: interrupts.first }).catch(() => undefined);
      }
    }
    return 'interrupted';
  } finally {
    processes.forget();
  }
}

function tellStopped({ sweep, output }: Followed, { by, at }: StoppedByHand): ExitCode {
  output.keepScreen();
  output.record({ event: 'stopped', sweep: sweep.id, by, at, goOn: `lethe resume ${sweep.id}` });
  output.say(`\nStopped by ${by} at ${at}. To go on: lethe resume ${sweep.id}`);
  return EXIT.incomplete;
}

/** The first Ctrl-C detached; while its farewell stands, a second one stops everything. */
async function farewell({ store, sweep, output }: Followed, interrupts: Interrupts): Promise<ExitCode> {
  output.keepScreen();
  output.record({ event: 'detached', sweep: sweep.id, comeBack: `lethe watch ${sweep.id}` });
  output.say(`\nDetached: the sweep goes on. Come back with: lethe watch ${sweep.id}`);
  if (process.stdin.isTTY) {
    output.say('Ctrl-C once more, now, stops everything (jobs write a checkpoint first).');
    await sleep(SECOND_PRESS_MS, undefined, { signal: interrupts.second }).catch(() => undefined);
  }
  if (interrupts.second.aborted) {
    const { stopEverything } = await import('./stop-everything.ts');
    await stopEverything(store, { by: 'lethe run, Ctrl-C twice', say: (text) => output.say(text) });
  }
  return EXIT.interrupted;
}

/** The connection and the embedded processes behind it, started again when they are gone. */
class Processes {
  readonly #followed: Followed;
  #connection: Connection | undefined;
  #worker: EmbeddedWorker | undefined;
  #over: Promise<unknown> | undefined;
  #restarts: number[] = [];
  /** They were up once: a stop from then on is of what this command set going. */
  began = false;

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  async keepUp(): Promise<Connection> {
    const server = this.#connection?.embedded;
    if (this.#connection !== undefined) {
      if (server === undefined) return this.#connection;
      if (isAlive(server) && this.#worker !== undefined && isAlive(this.#worker)) return this.#connection;
      this.#countRestart(isAlive(server) ? 'the worker' : 'the Temporal server');
    }
    this.forget();
    const { store, output, slots } = this.#followed;
    this.#connection = await connectStore(store, {
      worker: true,
      ...(slots === undefined ? {} : { slots }),
      say: (text) => output.say(text),
    });
    this.#worker = runningEmbeddedWorker(store.path);
    this.began = true;
    return this.#connection;
  }

  /** Resolves when the sweep has ended, as far as this connection hears of it: it shortens the wait for the next look. One request, however often it is asked. */
  over(): Promise<unknown> {
    const { store, sweep } = this.#followed;
    this.#over ??=
      this.#connection === undefined
        ? Promise.resolve()
        : awaitSweep(this.#connection, { storeId: store.id, sweepId: sweep.id });
    return this.#over.catch(() => new Promise(() => {}));
  }

  /** Lets go of the connection. It is not closed: a request of the SDK that waits to be tried again would throw out of its timer. It ends with the process. */
  forget(): void {
    this.#connection = undefined;
    this.#over = undefined;
  }

  #countRestart(what: string): void {
    const now = Date.now();
    this.#restarts = [...this.#restarts.filter((time) => now - time < RESTARTS_WITHIN_MS), now];
    this.#followed.output.say(`${what} has ended; starting it again`);
    if (this.#restarts.length <= MOST_RESTARTS) return;
    throw new WorkerKeepsEnding(
      `${what} ended ${this.#restarts.length} times within ${RESTARTS_WITHIN_MS / 60_000} min. Its log: ${workerLog(this.#followed.store.path)}; "lethe doctor" looks for the cause. The sweep is safe: "lethe resume ${this.#followed.sweep.id}" goes on.`,
    );
  }
}

/** A live screen, a line now and then when piped, a JSON object now and then with --json. */
class Printer {
  readonly #output: Output;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastCounts = '';

  constructor(output: Output) {
    this.#output = output;
  }

  show(status: SweepStatus, link: string | undefined): void {
    if (this.#output.live) {
      const rows = Math.max(3, this.#output.height - 8);
      const hint = `Ctrl-C detaches, the sweep goes on.${link === undefined ? '' : ` Histories: ${link}`}`;
      this.#output.screen([...renderStatus(status, this.#output, rows), '', this.#output.paint('faint', hint)], '');
      return;
    }
    const counts = JSON.stringify([status.phase, status.stages, status.runs]);
    const due = Date.now() - this.#lastAt >= (this.#output.json ? JSON_MS : PLAIN_MS);
    if (!due && counts === this.#lastCounts) return;
    this.#lastAt = Date.now();
    this.#lastCounts = counts;
    if (this.#output.json) {
      const { rows, ...rest } = status;
      const active = rows.filter((row) => row.stage.workflowId !== undefined || row.stage.command !== undefined);
      this.#output.record({ event: 'status', ...rest, rows: active });
    } else {
      this.#output.screen([], statusLine(status));
    }
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]!;
}
