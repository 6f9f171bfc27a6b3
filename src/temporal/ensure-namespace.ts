import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { messageOf } from '../experiment/message-of.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../experiment/search-attributes.ts';
import type { Lethe } from './connection.ts';

/** Thrown when a namespace is not ready for Lethe, and the server lets nobody with our rights make it so. */
export class NamespaceNotReady extends Error {
  override readonly name = 'NamespaceNotReady';
}

const YEAR_SECONDS = 365 * 24 * 3600;
const TYPE_NAMES = { KEYWORD: 'Keyword', INT: 'Int', KEYWORD_LIST: 'KeywordList' } as const;
const INDEXED_VALUE_TYPES = { KEYWORD: 2, INT: 3, KEYWORD_LIST: 7 } as const;
const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];
/** Codes of gRPC. `noSuchCall`: the server does not offer it. */
const GRPC = { invalidArgument: 3, alreadyExists: 6, permissionDenied: 7, noSuchCall: 12 } as const;

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
    if (isDenied(error)) return requireNamespace(lethe);
    if (!isGrpcServiceError(error) || error.code !== GRPC.alreadyExists) throw error;
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

/** As Temporal Cloud answers a worker's key, and servers whose operators make namespaces themselves. */
function isDenied(error: unknown): boolean {
  return isGrpcServiceError(error) && (error.code === GRPC.permissionDenied || error.code === GRPC.noSuchCall);
}

/** Where we may not make anything: all must be there. Retention is the operator's. */
async function requireNamespace(lethe: Lethe): Promise<void> {
  const { workflowService } = lethe.client;
  try {
    await workflowService.describeNamespace({ namespace: lethe.namespace });
  } catch (error) {
    throw new NamespaceNotReady(
      `expected the namespace ${lethe.namespace} at ${lethe.address}, which we may neither see nor make (${messageOf(error)}); create it, or name another`,
      { cause: error },
    );
  }
  const missing = await unknownAttributes(lethe);
  if (missing.length === 0) return;
  const commands = missing.map(
    (name) =>
      `  temporal operator search-attribute create --namespace ${lethe.namespace} --name ${name} --type ${TYPE_NAMES[SEARCH_ATTRIBUTES[name]]}`,
  );
  throw new NamespaceNotReady(
    `expected search attributes of Lethe in the namespace ${lethe.namespace} at ${lethe.address}, which we may not make; as its operator, type (on Temporal Cloud: "tcld namespace search-attributes add"):\n${commands.join('\n')}`,
  );
}

/** Asked by their use, which needs no right to list them, and alike on every kind of visibility store. */
async function unknownAttributes(lethe: Lethe): Promise<SearchAttributeName[]> {
  const { client, namespace } = lethe;
  const missing: SearchAttributeName[] = [];
  for (const name of NAMES) {
    const value = SEARCH_ATTRIBUTES[name] === 'INT' ? '0' : '"none"';
    try {
      await client.workflowService.countWorkflowExecutions({ namespace, query: `${name} = ${value}` });
    } catch (error) {
      if (!isGrpcServiceError(error) || error.code !== GRPC.invalidArgument) throw error;
      missing.push(name);
    }
  }
  return missing;
}

/** True when nothing was missing. */
async function registerMissingAttributes(lethe: Lethe): Promise<boolean> {
  const { operatorService } = lethe.client.connection as Connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace: lethe.namespace });
  const missing = NAMES.filter((name) => customAttributes?.[name] === undefined);
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
