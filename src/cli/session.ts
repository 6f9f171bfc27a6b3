import { NoStore, Store } from '../artifacts/store.ts';
import type { Lethe } from '../temporal/connection.ts';
import type { EmbeddedServer } from '../temporal/embedded-server.ts';
import { BadInput } from './exit-codes.ts';
import { shownPath, storeFolder } from './project-folder.ts';

/** What store.json says of a store whose server and worker are started when they are down; any other address is of a server that somebody runs. */
export const EMBEDDED = { address: 'embedded', namespace: 'lethe' } as const;

/** A store that exists. Throws `BadInput` when there is none: looking must not create. */
export async function openStore(asked: string | undefined): Promise<Store> {
  const folder = storeFolder(asked);
  try {
    return await Store.open(folder);
  } catch (error) {
    if (!(error instanceof NoStore)) throw error;
    throw new BadInput(
      `expected a store at ${shownPath(folder)}, there is none yet. "lethe run SWEEP" makes one; --store or $LETHE_STORE names another.`,
    );
  }
}

export interface Connection extends Lethe {
  /** The store's own server; absent when store.json names one that somebody else runs. */
  readonly embedded?: EmbeddedServer;
  /** Where a browser finds the UI, when known. */
  readonly ui?: string;
}

export interface ConnectOptions {
  /** Start the store's own worker too, when it is down: for sure, or unless a person has stopped the store. */
  readonly worker?: boolean | 'unless stopped';
  readonly slots?: number;
  readonly say?: (text: string) => void;
}

/** A client for the store's server; an embedded one is started when it is down. */
export async function connectStore(store: Store, options: ConnectOptions = {}): Promise<Connection> {
  if (!isEmbedded(store)) return (await import('../temporal/connection.ts')).connect(store.temporal);
  const { ensureEmbeddedServer } = await import('../temporal/embedded-server.ts');
  return connectToEmbedded(store, await ensureEmbeddedServer(store.path, options), options);
}

/** A client for the store's own server, which runs. */
export async function connectToEmbedded(
  store: Store,
  server: EmbeddedServer,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { connect } = await import('../temporal/connection.ts');
  const lethe = await connect({ address: server.address, namespace: store.temporal.namespace }, 15_000);
  await (await import('../temporal/ensure-namespace.ts')).ensureNamespace(lethe);
  if (options.worker) {
    const { ensureEmbeddedWorker, stoppedByHand } = await import('./embedded-worker.ts');
    const stays = options.worker === 'unless stopped' && stoppedByHand(store.path) !== undefined;
    if (!stays) await ensureEmbeddedWorker(store.path, server, options);
  }
  return { ...lethe, embedded: server, ui: server.uiAddress };
}

/** A client when the store's server is up, without starting anything. */
export async function connectIfUp(store: Store): Promise<Connection | undefined> {
  const { connect, ServerUnreachable } = await import('../temporal/connection.ts');
  try {
    if (!isEmbedded(store)) return await connect(store.temporal);
    const { runningEmbeddedServer } = await import('../temporal/embedded-server.ts');
    const server = runningEmbeddedServer(store.path);
    if (server === undefined) return undefined;
    const lethe = await connect({ address: server.address, namespace: store.temporal.namespace });
    return { ...lethe, embedded: server, ui: server.uiAddress };
  } catch (error) {
    if (error instanceof ServerUnreachable) return undefined;
    throw error;
  }
}

export function isEmbedded(store: Store): boolean {
  return store.temporal.address === EMBEDDED.address;
}

/** Page of a workflow in the Temporal UI. */
export function workflowLink(
  connection: Pick<Connection, 'ui' | 'namespace'>,
  workflowId: string,
  runId?: string,
): string | undefined {
  if (connection.ui === undefined) return undefined;
  const page = `${connection.ui}/namespaces/${connection.namespace}/workflows/${encodeURIComponent(workflowId)}`;
  return runId === undefined ? page : `${page}/${runId}/history`;
}

/** The list of a sweep's workflows in the Temporal UI. */
export function sweepLink(connection: Pick<Connection, 'ui' | 'namespace'>, sweepId: string): string | undefined {
  if (connection.ui === undefined) return undefined;
  const query = encodeURIComponent(`LetheSweep="${sweepId.toLowerCase()}"`);
  return `${connection.ui}/namespaces/${connection.namespace}/workflows?query=${query}`;
}
