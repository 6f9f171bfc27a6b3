import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterConnection } from '../../../../src/jobs/kubernetes/cluster-connection.ts';

/** What befalls a request instead of its answer. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly text?: string;
    }
  /** Nothing is ever answered. */
  | { readonly kind: 'silence' }
  /** The connection breaks. */
  | { readonly kind: 'reset' }
  /** Carried out, and the answer is lost. */
  | { readonly kind: 'lost-answer' };

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly watch: boolean;
  readonly body: string;
}

interface Stored {
  kind: string;
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    labels?: Record<string, string>;
  };
  [field: string]: unknown;
}

type Answer = readonly [code: number, body: object];

interface Watcher {
  readonly kind: string;
  readonly selector: string;
  readonly answer: ServerResponse;
}

const NAMESPACE = 'lethe';
/** Changes kept for watches that begin later: more than come between a list and its watch. */
const REMEMBERED = 20_000;
const PATH = new RegExp(`/namespaces/${NAMESPACE}/([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?$`);
const KINDS = ['jobs', 'pods', 'events', 'workloads', 'persistentvolumeclaims', 'localqueues'];

/** An API server as far as the launcher asks one, over HTTP on the loopback: objects, label selectors, lists, watches and merge patches; and faults. */
export class FakeApiServer {
  readonly asked: Asked[] = [];
  /** Asked for each request; undefined lets it pass. */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  /** Told of each object that a client made. */
  onCreated: (kind: string, name: string) => void = () => {};
  private readonly objects = new Map<string, Stored>();
  private readonly watchers = new Set<Watcher>();
  /** What a watch that begins later is told of first. */
  private readonly history: { readonly version: number; readonly type: string; readonly object: Stored }[] = [];
  private readonly server: Server;
  private version = 100;

  private constructor() {
    this.server = createServer((request, answer) => void this.serve(request, answer));
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get connection(): ClusterConnection {
    const { port } = this.server.address() as AddressInfo;
    return { server: `http://127.0.0.1:${port}`, namespace: NAMESPACE, requestOptions: async () => ({}) };
  }

  put(kind: string, object: object): void {
    const given = object as { metadata: { name: string } };
    const known = this.objects.get(`${kind}/${given.metadata.name}`);
    this.version += 1;
    const stored: Stored = {
      ...given,
      // The manifest's own kind is `Job`.
      kind,
      metadata: {
        uid: known?.metadata.uid ?? `uid-${this.version}`,
        creationTimestamp: known?.metadata.creationTimestamp ?? new Date().toISOString(),
        ...given.metadata,
        resourceVersion: String(this.version),
      },
    };
    this.objects.set(`${kind}/${given.metadata.name}`, stored);
    this.tell(known === undefined ? 'ADDED' : 'MODIFIED', stored);
  }

  /** Changes fields of an object that is there. */
  patch(kind: string, name: string, change: object): void {
    this.put(kind, merge(this.find(kind, name), change) as object);
  }

  remove(kind: string, name: string): void {
    const stored = this.objects.get(`${kind}/${name}`);
    if (stored === undefined) return;
    this.objects.delete(`${kind}/${name}`);
    this.version += 1;
    this.tell('DELETED', stored);
  }

  find(kind: string, name: string): Stored {
    const stored = this.objects.get(`${kind}/${name}`);
    if (stored === undefined) throw new Error(`expected ${kind}/${name}, the fake server has no such object`);
    return stored;
  }

  has(kind: string, name: string): boolean {
    return this.objects.has(`${kind}/${name}`);
  }

  /** Requests that were carried out or not, watches left out. */
  count(method: string, part = ''): number {
    return this.asked.filter((each) => each.method === method && !each.watch && each.path.includes(part)).length;
  }

  /** Breaks every watch. */
  breakWatches(): void {
    for (const { answer } of [...this.watchers]) answer.destroy();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    let body = '';
    for await (const chunk of request) body += chunk;
    const watch = url.searchParams.get('watch') === 'true';
    const asked = { method: request.method ?? '', path: url.pathname, watch, body };
    this.asked.push(asked);
    const fault = this.fault(asked);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'reset') {
      answer.destroy();
      return;
    }
    if (fault?.kind === 'answer') {
      answer.writeHead(fault.status, fault.headers).end(fault.text ?? '');
      return;
    }
    const [, kind = '', name, part] = PATH.exec(asked.path) ?? [];
    if (watch) {
      this.watch({ kind, selector: url.searchParams.get('labelSelector') ?? '', answer }, url.searchParams);
      return;
    }
    if (part === 'log') {
      answer.writeHead(200).end(`log of ${name}\n`);
      return;
    }
    const [code, object] = this.carryOut(asked, kind, name, url.searchParams);
    if (fault?.kind === 'lost-answer') answer.destroy();
    else answer.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(object));
  }

  private carryOut(
    { method, path, body }: Asked,
    kind: string,
    name: string | undefined,
    query: URLSearchParams,
  ): Answer {
    if (!KINDS.includes(kind)) return [404, status(404, 'NotFound', `no such kind: ${path}`)];
    if (method === 'POST') {
      const object = JSON.parse(body) as { metadata: { name: string } };
      if (this.has(kind, object.metadata.name))
        return [409, status(409, 'AlreadyExists', `${object.metadata.name} already exists`)];
      this.put(kind, object);
      this.onCreated(kind, object.metadata.name);
      return [201, this.find(kind, object.metadata.name)];
    }
    if (name === undefined) {
      const [selector = '', field = ''] = [query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''];
      const all = [...this.objects.values()].filter((each) => each.kind === kind && matches(each, selector, field));
      // Pages go by place: nothing of a test changes between two of them.
      const [from, limit] = [Number(query.get('continue') ?? 0), Number(query.get('limit') ?? all.length)];
      const next = from + limit < all.length ? { continue: String(from + limit) } : {};
      const metadata = { resourceVersion: String(this.version), ...next };
      return [200, { metadata, items: all.slice(from, from + limit) }];
    }
    if (!this.has(kind, name)) return [404, status(404, 'NotFound', `${name} not found`)];
    if (method === 'DELETE') {
      const { preconditions } = JSON.parse(body || '{}') as { preconditions?: { uid?: string } };
      const stored = this.find(kind, name);
      if (preconditions?.uid !== undefined && preconditions.uid !== stored.metadata.uid)
        return [409, status(409, 'Conflict', 'the UID in the precondition does not match')];
      this.remove(kind, name);
      return [200, stored];
    }
    if (method === 'PATCH') this.patch(kind, name, JSON.parse(body) as object);
    return [200, this.find(kind, name)];
  }

  private watch(watcher: Watcher, query: URLSearchParams): void {
    watcher.answer.writeHead(200, { 'content-type': 'application/json' });
    watcher.answer.flushHeaders();
    const since = Number(query.get('resourceVersion') ?? this.version);
    for (const { version, type, object } of this.history) if (version > since) send(watcher, type, object);
    this.watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const end = seconds > 0 ? setTimeout(() => watcher.answer.end(), seconds * 1_000) : undefined;
    watcher.answer.on('close', () => {
      clearTimeout(end);
      this.watchers.delete(watcher);
    });
  }

  private tell(type: string, object: Stored): void {
    this.history.push({ version: this.version, type, object });
    if (this.history.length > REMEMBERED) this.history.splice(0, REMEMBERED / 2);
    for (const watcher of this.watchers) send(watcher, type, object);
  }
}

function send({ kind, selector, answer }: Watcher, type: string, object: Stored): void {
  if (kind === object.kind && matches(object, selector, '')) answer.write(`${JSON.stringify({ type, object })}\n`);
}

export function status(code: number, reason: string, message: string): object {
  return { kind: 'Status', code, reason, message };
}

function matches(object: Stored, selector: string, field: string): boolean {
  const labels = object.metadata.labels ?? {};
  const wanted = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => term.split('='));
  if (!wanted.every(([label = '', value]) => labels[label] === value)) return false;
  if (field.startsWith('type=') && object.type !== field.slice('type='.length)) return false;
  const [, involved] = /^involvedObject\.name=(.*)$/.exec(field) ?? [];
  const about = object.involvedObject as { name?: string } | undefined;
  return involved === undefined || about?.name === involved;
}

function merge(base: unknown, change: unknown): unknown {
  if (
    typeof base !== 'object' ||
    base === null ||
    typeof change !== 'object' ||
    change === null ||
    Array.isArray(change)
  )
    return change;
  const merged: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(change)) merged[field] = merge(merged[field], value);
  return merged;
}
