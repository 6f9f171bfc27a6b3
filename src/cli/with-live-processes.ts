import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../artifacts/store.ts';
import { ensureEmbeddedServer } from '../temporal/embedded-server.ts';
import { isAlive } from '../temporal/process-identity.ts';
import { type EmbeddedWorker, runningEmbeddedWorker, WorkerKeepsEnding, workerLog } from './embedded-worker.ts';
import { BadInput } from './exit-codes.ts';
import { type Connection, connectStore, connectToEmbedded, isEmbedded } from './session.ts';

const LOOK_EVERY_MS = 500;
const MOST_STARTS = 5;

export interface LiveOptions {
  readonly say: (text: string) => void;
  /** True for what a workflow must answer (updates, queries); the rest the server answers alone. */
  readonly worker: boolean;
  readonly slots?: number;
}

/**
 * Sends a message to the store's server. When that, or the worker that must answer, dies meanwhile, it is started again and the message sent again, where the
 * command would otherwise fail or wait for ever: `send` must bear to be done twice. A server that somebody else runs is left to them.
 */
export async function withLiveProcesses<T>(
  store: Store,
  { worker, ...options }: LiveOptions,
  send: (connection: Connection) => Promise<T>,
): Promise<T> {
  for (let starts = 1; ; starts += 1) {
    // A server that does not start ends the command here: only one that ran is started again.
    const server = isEmbedded(store) ? await ensureEmbeddedServer(store.path, options) : undefined;
    let embeddedWorker: EmbeddedWorker | undefined;
    let connected = false;
    const deadPart = (): string | undefined => {
      if (server === undefined) return undefined;
      if (!isAlive(server)) return 'the Temporal server';
      const wanted = connected && worker;
      return wanted && (embeddedWorker === undefined || !isAlive(embeddedWorker)) ? 'the worker' : undefined;
    };
    const over = new AbortController();
    const connectAndSend = async () => {
      const live = { worker, ...options };
      const connection = await (server ? connectToEmbedded(store, server, live) : connectStore(store, live));
      embeddedWorker = runningEmbeddedWorker(store.path);
      connected = true;
      const answer = await send(connection);
      await connection.close();
      return answer;
    };
    try {
      const answer = connectAndSend();
      // After the race nobody listens to it.
      answer.catch(() => {});
      return await Promise.race([answer, whenDead(deadPart, over.signal)]);
    } catch (error) {
      const dead = deadPart();
      if (dead === undefined || error instanceof BadInput) throw error;
      if (starts >= MOST_STARTS) {
        throw new WorkerKeepsEnding(
          `${dead} ended ${starts} times before it answered. Its log: ${workerLog(store.path)}; "lethe doctor" looks for the cause.`,
        );
      }
      options.say(`${dead} has ended; starting it again`);
    } finally {
      over.abort();
    }
  }
}

async function whenDead(dead: () => string | undefined, signal: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return new Promise(() => {});
    const what = dead();
    if (what !== undefined) throw new Error(`${what} has ended`);
  }
}
