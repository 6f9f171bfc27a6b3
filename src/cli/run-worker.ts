import { NoStore, Store } from '../artifacts/store.ts';
import type { HealthAddress } from '../http/health-server.ts';
import { stopEmbeddedServer } from '../temporal/embedded-server.ts';
import { createLetheWorker, installRuntime } from '../worker.ts';
import { freeLoopbackAddress } from '../worker-health.ts';
import { placeJobs, requirePlace } from './cluster-of-store.ts';
import { giveSignsOfLife } from './embedded-worker.ts';
import { BadInput } from './exit-codes.ts';
import { isBusy, storeExists, whenIdle } from './idle-watch.ts';
import { storeFolder } from './project-folder.ts';
import { connectStore, EMBEDDED, openStore } from './session.ts';

export interface WorkerOptions {
  readonly store?: string;
  readonly address?: string;
  readonly slots?: number;
  /** Port of loopback for the read-only service of the store. */
  readonly serve?: number;
  readonly on?: string;
  readonly cluster?: string;
  /** Makes the store where there is none, for a server that somebody runs. */
  readonly create?: boolean;
  readonly namespace?: string;
  readonly embedded?: boolean;
  readonly idleMs: number;
  /** Where health and metrics are told; nowhere when absent. */
  readonly health?: HealthAddress;
  readonly activitySlots?: number;
  /** Collector of OpenTelemetry for the SDK's metrics. */
  readonly collector?: string;
}

/** Works for a store until SIGTERM. As the store's own worker it gives signs of life, and ends itself and the server when there is nothing to do. */
export async function runWorker({
  store: folder,
  address,
  slots,
  serve,
  on,
  cluster,
  create,
  namespace,
  embedded,
  idleMs,
  health,
  activitySlots,
  collector,
}: WorkerOptions): Promise<void> {
  const store = create ? await openOrCreate(folder, address, namespace) : await openStore(folder);
  if (embedded) store.requireServer(EMBEDDED);
  const asked = { ...(on !== undefined && { on }), ...(cluster !== undefined && { cluster }) };
  const settings = await requirePlace(asked, store);
  await placeJobs(store, asked);
  const sdkMetrics = health === undefined || collector !== undefined ? undefined : await freeLoopbackAddress();
  installRuntime('info', {
    ...(sdkMetrics !== undefined && { prometheus: sdkMetrics }),
    ...(collector !== undefined && { collector }),
  });
  // Its log may be on a full disk: a line less, and not the end of the worker.
  process.stderr.on('error', () => {});
  const server = address ?? (await addressOf(folder));
  const worker = await createLetheWorker({
    storePath: store.path,
    address: server,
    namespace: store.temporal.namespace,
    ...(slots === undefined ? {} : { slots }),
    ...(serve === undefined ? {} : { servePort: serve }),
    ...(settings === undefined ? {} : { cluster: settings }),
    ...(health && { health: { ...health, ...(sdkMetrics !== undefined && { sdkMetrics }) } }),
    ...(activitySlots === undefined ? {} : { activitySlots }),
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

/** The store of a worker that is the first to come to a fresh volume. */
async function openOrCreate(
  folder: string | undefined,
  address: string | undefined,
  namespace = 'lethe',
): Promise<Store> {
  if (address === undefined)
    throw new BadInput('--create: expected --address HOST:PORT, the server that the store is to belong to');
  try {
    return await Store.open(storeFolder(folder));
  } catch (error) {
    if (!(error instanceof NoStore)) throw error;
    return Store.create(storeFolder(folder), { address, namespace });
  }
}

/** The address of the store's server; its own one is started when it is down. */
async function addressOf(folder: string | undefined): Promise<string> {
  const store = await openStore(folder);
  const connection = await connectStore(store);
  await connection.close();
  return connection.address;
}
