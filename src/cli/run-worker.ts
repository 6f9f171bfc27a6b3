import { stopEmbeddedServer } from '../temporal/embedded-server.ts';
import { createLetheWorker, installRuntime } from '../worker.ts';
import { requirePlace } from './cluster-of-store.ts';
import { giveSignsOfLife } from './embedded-worker.ts';
import { isBusy, storeExists, whenIdle } from './idle-watch.ts';
import { connectStore, EMBEDDED, openStore } from './session.ts';

export interface WorkerOptions {
  readonly store?: string;
  readonly address?: string;
  readonly slots?: number;
  readonly on?: string;
  readonly cluster?: string;
  readonly embedded?: boolean;
  readonly idleMs: number;
}

/** Works for a store until SIGTERM. As the store's own worker it gives signs of life, and ends itself and the server when there is nothing to do. */
export async function runWorker({
  store: folder,
  address,
  slots,
  on,
  cluster,
  embedded,
  idleMs,
}: WorkerOptions): Promise<void> {
  const store = await openStore(folder);
  if (embedded) store.requireServer(EMBEDDED);
  const settings =
    on === undefined ? undefined : await requirePlace({ on, ...(cluster !== undefined && { cluster }) }, store);
  installRuntime();
  // Its log may be on a full disk: a line less, and not the end of the worker.
  process.stderr.on('error', () => {});
  const server = address ?? (await addressOf(folder));
  const worker = await createLetheWorker({
    storePath: store.path,
    address: server,
    namespace: store.temporal.namespace,
    ...(slots === undefined ? {} : { slots }),
    ...(settings === undefined ? {} : { cluster: settings }),
  });
  if (!embedded) return worker.run();

  const signs = giveSignsOfLife(store.path);
  const ended = new AbortController();
  const idle = whenIdle({
    isBusy: () => isBusy(store, worker.lethe),
    storeExists: () => storeExists(store),
    idleMs,
    lookEveryMs: Math.min(60_000, idleMs / 4),
    signal: ended.signal,
  });
  const shutDown = idle.then((reason) => reason !== undefined && worker.shutdown());
  try {
    await worker.run();
  } finally {
    ended.abort();
    clearInterval(signs);
    await shutDown;
  }
  const reason = await idle;
  if (reason === undefined) return;
  process.stderr.write(`${new Date().toISOString()} worker and server end: ${reason}\n`);
  await stopEmbeddedServer(store.path);
}

/** The address of the store's server; its own one is started when it is down. */
async function addressOf(folder: string | undefined): Promise<string> {
  const store = await openStore(folder);
  const connection = await connectStore(store);
  await connection.close();
  return connection.address;
}
