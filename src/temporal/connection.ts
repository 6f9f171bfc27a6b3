import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../experiment/search-attributes.ts';

/** A client of one namespace of one server. Close it, or the process lingers. */
export interface Lethe {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  close(): Promise<void>;
}

export interface ServerAddress {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
}

/** Thrown when no Temporal server answers at the address. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
  readonly address: string;
  constructor(address: string, cause: unknown) {
    super(
      `expected a Temporal server at ${address}, nothing answered; start one (lethe ui), or correct the address in store.json`,
      {
        cause,
      },
    );
    this.address = address;
  }
}

/** Connects within `timeoutMs` or throws `ServerUnreachable`. */
export async function connect(server: ServerAddress, timeoutMs = 5_000): Promise<Lethe> {
  let connection: Connection;
  try {
    connection = await Connection.connect({ address: server.address, connectTimeout: timeoutMs });
  } catch (cause) {
    throw new ServerUnreachable(server.address, cause);
  }
  const client = new Client({ connection, namespace: server.namespace });
  return { client, ...server, close: () => connection.close() };
}

const YEAR_SECONDS = 365 * 24 * 3600;
const INDEXED_VALUE_TYPES = { KEYWORD: 2, INT: 3, KEYWORD_LIST: 7 } as const;
const GRPC_ALREADY_EXISTS = 6;

/**
 * Makes the namespace with a year's retention (a development server keeps a day otherwise) and registers Lethe's search attributes. Idempotent; returns when the
 * server knows both, because a workflow that names an attribute too early is refused.
 */
export async function ensureNamespace(lethe: Lethe): Promise<void> {
  const { workflowService } = lethe.client;
  const retention = { seconds: YEAR_SECONDS as unknown as Long };
  try {
    await workflowService.registerNamespace({
      namespace: lethe.namespace,
      workflowExecutionRetentionPeriod: retention,
      description: 'Lethe: sweeps across model scales',
    });
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== GRPC_ALREADY_EXISTS) throw error;
    const { config } = await workflowService.describeNamespace({ namespace: lethe.namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) < YEAR_SECONDS) {
      await workflowService.updateNamespace({
        namespace: lethe.namespace,
        config: { workflowExecutionRetentionTtl: retention },
      });
    }
  }
  await until(`namespace ${lethe.namespace}`, () => registerMissingAttributes(lethe));
}

/** True when nothing was missing. */
async function registerMissingAttributes(lethe: Lethe): Promise<boolean> {
  const { operatorService } = lethe.client.connection as Connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace: lethe.namespace });
  const names = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];
  const missing = names.filter((name) => customAttributes?.[name] === undefined);
  if (missing.length === 0) return true;
  await operatorService.addSearchAttributes({
    namespace: lethe.namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPES[SEARCH_ATTRIBUTES[name]]])),
  });
  return false;
}

/** A new namespace reaches all parts of the server within seconds; until then calls fail as "not found". */
async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      if (await done()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `expected the server to know ${what} within 30 s; ${last instanceof Error ? last.message : 'it did not'}`,
    {
      cause: last,
    },
  );
}
