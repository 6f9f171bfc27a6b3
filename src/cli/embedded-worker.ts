import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withEmbeddedLock } from '../temporal/embedded-lock.ts';
import { type EmbeddedServer, embeddedFolder, openLog } from '../temporal/embedded-server.ts';
import { endProcess, identify, isAlive, type ProcessIdentity } from '../temporal/process-identity.ts';
import { clusterDigest } from './cluster-of-store.ts';
import { codeDigest } from './code-digest.ts';

/**
 * One detached worker per store, beside the embedded server. It is started again when it is dead, when it runs other code than this command, when it was started
 * with another `--slots` or another place of jobs than the one asked for now, when the server moved to another port, or when its sign of life is older than `STALE_MS`. Its jobs do not notice: they are processes of their own.
 */
export interface EmbeddedWorker extends ProcessIdentity {
  readonly format: 'lethe-worker/1';
  readonly codeDigest: string;
  /** Address of the server that it works for. */
  readonly address: string;
  readonly slots?: number;
  /** Digest of the settings of the cluster where its jobs run; absent: on this machine. */
  readonly cluster?: string;
  readonly startedAt: string;
}

const STALE_MS = 60_000;
/** Longer than the worker's own shutdown grace. */
const STOP_MS = 20_000;
const SIGN_OF_LIFE_MS = 5_000;

export interface EnsureWorkerOptions {
  readonly slots?: number;
  readonly say?: (text: string) => void;
}

export function runningEmbeddedWorker(store: string): EmbeddedWorker | undefined {
  try {
    const record: EmbeddedWorker = JSON.parse(readFileSync(recordFile(store), 'utf8'));
    return record.format === 'lethe-worker/1' && isAlive(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The store's worker, started when there is none that fits. Does not wait until it polls: what is started meanwhile waits in its queue. */
export async function ensureEmbeddedWorker(
  store: string,
  server: EmbeddedServer,
  { slots, say }: EnsureWorkerOptions = {},
): Promise<EmbeddedWorker> {
  rmSync(stoppedFile(store), { force: true });
  const digest = codeDigest();
  const running = runningEmbeddedWorker(store);
  if (running !== undefined && misfit(store, running, server, digest, slots) === undefined) return running;
  return withEmbeddedLock(embeddedFolder(store), 2 * STOP_MS, async () => {
    const other = runningEmbeddedWorker(store);
    const reason = other && misfit(store, other, server, digest, slots);
    if (other !== undefined && reason === undefined) return other;
    if (other !== undefined) {
      say?.(`starting the worker again: ${reason}`);
      await endProcess(other, STOP_MS);
    }
    return start(store, server, digest, slots ?? other?.slots);
  });
}

/** Ends the store's worker; its jobs run on. True when there was one. */
export async function stopEmbeddedWorker(store: string): Promise<boolean> {
  const worker = runningEmbeddedWorker(store);
  if (worker === undefined) return false;
  await endProcess(worker, STOP_MS);
  return true;
}

export interface StoppedByHand {
  readonly by: string;
  readonly at: string;
}

/** Remembers that a person stopped this store: looking at it must not set it going again. Starting its worker forgets it. */
export function rememberStop(store: string, by: string): void {
  mkdirSync(embeddedFolder(store), { recursive: true });
  const stopped: StoppedByHand = { by, at: new Date().toISOString() };
  writeFileSync(stoppedFile(store), `${JSON.stringify(stopped)}\n`);
}

export function stoppedByHand(store: string): StoppedByHand | undefined {
  try {
    return JSON.parse(readFileSync(stoppedFile(store), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Called by the worker itself: others see by it that its event loop turns. */
export function giveSignsOfLife(store: string): NodeJS.Timeout {
  const file = lifeFile(store);
  const touch = () => {
    try {
      writeFileSync(file, '', { flag: 'a' });
      utimesSync(file, new Date(), new Date());
    } catch {
      // The store is gone: the idle watch ends the worker.
    }
  };
  touch();
  return setInterval(touch, SIGN_OF_LIFE_MS).unref();
}

/** Age of the worker's last sign of life. */
export function signOfLifeAgeMs(store: string, worker: EmbeddedWorker): number {
  const started = Date.parse(worker.startedAt);
  try {
    return Date.now() - Math.max(started, statSync(lifeFile(store)).mtimeMs);
  } catch {
    return Date.now() - started;
  }
}

/** Thrown when the worker ended before it began to work, or again and again: starting it once more would hide why. */
export class WorkerKeepsEnding extends Error {
  override readonly name = 'WorkerKeepsEnding';
}

/** Returns once the worker works, or when `limitMs` is over and it is still getting ready. Throws `WorkerKeepsEnding` with its last words when it has ended. */
export async function awaitWorker(store: string, worker: EmbeddedWorker, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    if (existsSync(lifeFile(store)) && statSync(lifeFile(store)).mtimeMs > Date.parse(worker.startedAt)) return;
    if (!isAlive(worker)) {
      const lastWords = readFileSync(workerLog(store), 'utf8').trimEnd().split('\n').slice(-5).join('\n  ');
      throw new WorkerKeepsEnding(
        `the worker ended before it began to work. The end of its log, ${workerLog(store)}:\n  ${lastWords}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function workerLog(store: string): string {
  return join(embeddedFolder(store), 'worker.log');
}

/** Why this worker cannot stay; undefined when it can. */
function misfit(
  store: string,
  worker: EmbeddedWorker,
  server: EmbeddedServer,
  digest: string,
  slots: number | undefined,
): string | undefined {
  if (worker.codeDigest !== digest) return 'the code has changed';
  if (worker.address !== server.address) return 'the server has another port';
  if (slots !== undefined && slots !== worker.slots) return `--slots is ${slots} now`;
  if (worker.cluster !== clusterDigest(store)) return 'its jobs run elsewhere now';
  const age = signOfLifeAgeMs(store, worker);
  if (age > STALE_MS) return `no sign of life for ${Math.round(age / 1000)} s`;
  return undefined;
}

function start(store: string, server: EmbeddedServer, digest: string, slots: number | undefined): EmbeddedWorker {
  mkdirSync(embeddedFolder(store), { recursive: true });
  const log = openLog(workerLog(store));
  const cluster = clusterDigest(store);
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', main, 'worker', '--embedded', '--store', store],
      ...['--address', server.address, ...(slots === undefined ? [] : ['--slots', String(slots)])],
    ],
    { cwd: store, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  child.on('error', () => {}); // Seen below: no pid.
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new Error(`${process.execPath} could not be started as the worker`);
  const worker: EmbeddedWorker = {
    format: 'lethe-worker/1',
    ...identity,
    codeDigest: digest,
    address: server.address,
    ...(slots === undefined ? {} : { slots }),
    ...(cluster === undefined ? {} : { cluster }),
    startedAt: new Date().toISOString(),
  };
  writeFileSync(`${recordFile(store)}.${process.pid}`, `${JSON.stringify(worker, null, 2)}\n`);
  renameSync(`${recordFile(store)}.${process.pid}`, recordFile(store));
  return worker;
}

function recordFile(store: string): string {
  return join(embeddedFolder(store), 'worker.json');
}

function stoppedFile(store: string): string {
  return join(embeddedFolder(store), 'stopped.json');
}

function lifeFile(store: string): string {
  return join(embeddedFolder(store), 'worker.alive');
}
