import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../artifacts/store.ts';
import { isAlive } from '../temporal/process-identity.ts';
import { runningEmbeddedWorker, WorkerKeepsEnding, workerLog } from './embedded-worker.ts';
import { BadInput } from './exit-codes.ts';
import { type Connection, connectStore } from './session.ts';

const LOOK_EVERY_MS = 500;
const MOST_STARTS = 5;

/**
 * Sends a message that only a worker answers. When the store's own worker or server dies meanwhile, it is started again and the message sent again, where the
 * command would otherwise wait for ever: `send` must bear to be done twice.
 */
export async function withLiveWorker<T>(
  store: Store,
  say: (text: string) => void,
  send: (connection: Connection) => Promise<T>,
): Promise<T> {
  for (let starts = 1; ; starts += 1) {
    const connection = await connectStore(store, { worker: true, say });
    const deadPart = deadPartOf(store, connection);
    const over = new AbortController();
    try {
      const answer = send(connection);
      // After the race nobody listens to it.
      answer.catch(() => {});
      const answered = await Promise.race([answer, whenDead(deadPart, over.signal)]);
      await connection.close();
      return answered;
    } catch (error) {
      const dead = deadPart();
      if (dead === undefined || error instanceof BadInput) throw error;
      if (starts >= MOST_STARTS) {
        throw new WorkerKeepsEnding(
          `${dead} ended ${starts} times before it answered. Its log: ${workerLog(store.path)}; "lethe doctor" looks for the cause.`,
        );
      }
      say(`${dead} has ended; starting it again`);
    } finally {
      over.abort();
    }
  }
}

/** Says which of the store's own processes is dead; undefined when all live, or when somebody else runs them. */
function deadPartOf(store: Store, { embedded }: Connection): () => string | undefined {
  const worker = embedded && runningEmbeddedWorker(store.path);
  return () => {
    if (embedded === undefined) return undefined;
    if (!isAlive(embedded)) return 'the Temporal server';
    return worker === undefined || !isAlive(worker) ? 'the worker' : undefined;
  };
}

async function whenDead(dead: () => string | undefined, signal: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return new Promise(() => {});
    const what = dead();
    if (what !== undefined) throw new Error(`${what} has ended`);
  }
}
