import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { diskUse, freeBytesAt } from '../artifacts/disk-use.ts';
import { namedModels, namedSources } from '../artifacts/input-catalog-of-store.ts';
import type { Store } from '../artifacts/store.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from '../artifacts/stored-sweeps.ts';
import { messageOf } from '../experiment/message-of.ts';
import { doneKeys, doneStages, hasReport, planFiles, reportFiles, resultFiles, stageFiles } from './store-files.ts';
import { packTar, type TarEntry } from './tar/pack-tar.ts';

/** Where the service listens in the worker's pod, unless it is told another port. */
export const SERVICE_PORT = 8484;

export interface StoreServiceOptions {
  readonly store: Store;
  /** Of 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** How jobs are placed, as it is told to whoever plans; plain data. */
  readonly jobs: object | null;
}

export interface StoreService {
  readonly port: number;
  close(): Promise<void>;
}

/** Thrown for what a person asked that is not there or has no meaning; becomes the answer. */
class Refusal extends Error {
  readonly status: 400 | 404 | 405;
  constructor(status: 400 | 404 | 405, message: string) {
    super(message);
    this.status = status;
  }
}

const REQUEST_MS = 300_000;
const KEPT_PLANS = 4;

/**
 * What a worker tells of its store to people who reach it through their own port-forward: read-only, on loopback, without weights or example text. Answers are
 * JSON, or a tar archive of files with their names in the store, streamed. docs/operations.md lists the paths.
 */
export async function startStoreService(options: StoreServiceOptions): Promise<StoreService> {
  const plans = new PlanCache(options.store);
  const server = createServer((request, response) => void answer(options, plans, request, response));
  server.requestTimeout = REQUEST_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(
  options: StoreServiceOptions,
  plans: PlanCache,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (request.method !== 'GET')
      throw new Refusal(405, `expected GET, got ${request.method}: this service only reads`);
    await route(options, plans, new URL(request.url ?? '/', 'http://store'), response);
  } catch (error) {
    if (response.headersSent) {
      // Half of an archive is none: cut off, it is told from a whole one.
      response.destroy();
      return;
    }
    const status = error instanceof Refusal ? error.status : 500;
    const message = messageOf(error);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
  }
}

async function route(
  options: StoreServiceOptions,
  plans: PlanCache,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const { store, jobs } = options;
  const parts = url.pathname.split('/').slice(1).map(decoded);
  const [first = '', second, third] = parts;
  if (parts.length === 1) {
    switch (first) {
      case 'store':
        return sendJson(response, {
          ...{ format: 'lethe-service/1', id: store.id, temporal: store.temporal, jobs },
          freeBytes: await freeBytesAt(store.path),
        });
      case 'catalog': {
        const [models, sources] = await Promise.all([namedModels(store.path), namedSources(store.path)]);
        return sendJson(response, { models, sources });
      }
      case 'sweeps':
        return sendJson(response, { sweeps: await listSweeps(store) });
      case 'results':
        return sendJson(response, { keys: await doneKeys(store) });
      case 'usage':
        return sendJson(response, await diskUse(store));
    }
  }
  if (first === 'stages' && second !== undefined && parts.length === 2) {
    if (!/^[0-9a-f]{64}$/.test(second))
      throw new Refusal(400, `expected a stage key of 64 hex digits, got "${second}"`);
    return sendTar(response, stageFiles(store, second));
  }
  if (first === 'sweeps' && second !== undefined && parts.length === 3) {
    const id = await sweepOf(store, second);
    switch (third) {
      case 'plan':
        return sendTar(response, planFiles(store, id));
      case 'done':
        return sendJson(response, { done: await doneStages(store, await plans.of(id)) });
      case 'results':
        return sendTar(response, resultFiles(store, keysOf(await plans.of(id), url.searchParams.get('of'))));
      case 'report':
        if (!(await hasReport(store, id))) throw new Refusal(404, `${id} has no report yet`);
        return sendTar(response, reportFiles(store, id));
    }
  }
  throw new Refusal(404, `expected a path that docs/operations.md lists, got ${url.pathname}`);
}

/** Plans that were asked for last: a follower asks each second what is done of one of megabytes, and a plan never changes. */
class PlanCache {
  readonly #store: Store;
  readonly #plans = new Map<string, Promise<StoredSweep>>();

  constructor(store: Store) {
    this.#store = store;
  }

  of(id: string): Promise<StoredSweep> {
    const known = this.#plans.get(id) ?? readSweep(this.#store, id);
    // Last again.
    this.#plans.delete(id);
    this.#plans.set(id, known);
    known.catch(() => this.#plans.delete(id));
    for (const oldest of [...this.#plans.keys()].slice(0, -KEPT_PLANS)) this.#plans.delete(oldest);
    return known;
  }
}

/** A sweep by its id, or the newest of a name. */
async function sweepOf(store: Store, asked: string): Promise<string> {
  const found = (await listSweeps(store)).find(({ id }) => id === asked || nameOf(id) === asked);
  if (found === undefined) throw new Refusal(404, `expected the name of a sweep, got "${asked}"; /sweeps lists them`);
  return found.id;
}

/** `0-5,9`: stages of the plan by their numbers. */
function keysOf({ plan }: StoredSweep, ranges: string | null): string[] {
  if (ranges === null) return plan.stages.map(({ key }) => key);
  return ranges.split(',').flatMap((range) => {
    const [, from, to = from] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range) ?? [];
    if (from === undefined)
      throw new Refusal(400, `of: expected numbers of stages as 0-5,9; got "${range.slice(0, 40)}"`);
    return plan.stages.slice(Number(from), Number(to) + 1).map(({ key }) => key);
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, `expected a path in percent-encoding, got ${JSON.stringify(part)}`);
  }
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function sendTar(response: ServerResponse, entries: AsyncIterable<TarEntry>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-tar' });
  await pipeline(Readable.from(packTar(entries), { objectMode: false }), response);
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
