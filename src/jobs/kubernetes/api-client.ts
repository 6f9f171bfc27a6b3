import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../../experiment/message-of.ts';
import { LauncherUnreachable } from '../job-launcher.ts';
import { pause } from '../latch.ts';
import type { ClusterConnection } from './cluster-connection.ts';

/** Thrown when the API server understood a request and will not do it. Whoever does not know what its status means concludes nothing from it. */
export class ApiRefused extends LauncherUnreachable {
  readonly status: number;
  /** `AlreadyExists`, `Invalid`, `Expired` … */
  readonly reason: string;

  constructor(what: string, status: number, reason: string, message: string) {
    super(`${what}: the API server answered ${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

export interface ApiClientLimits {
  /** For a whole answer; a watch may be silent for longer. */
  readonly callMs: number;
  /** Answers 429 and 5xx are asked again after growing pauses, all in all for so long. A server that asks for a longer wait counts as unreachable. */
  readonly patienceMs: number;
}

const LIMITS: ApiClientLimits = { callMs: 15_000, patienceMs: 10_000 };
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const MOST_ANSWER_BYTES = 256 * 2 ** 20;

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** `text` for logs. */
  readonly answer?: 'json' | 'text';
}

/** Who counts requests; must not throw. */
export interface ApiListener {
  /** Before each is sent, repetitions and watches included. */
  asked?(call: ApiCall): void;
  /** The status of the answer; `unreachable` when there was none, or when a watch broke. */
  answered?(call: ApiCall, outcome: number | 'unreachable'): void;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: unknown }
  | { readonly type: 'ERROR'; readonly object: { readonly code?: number; readonly message?: string } };

/**
 * Requests to the API server, each with a limit in time. There are two kinds of failure: `ApiRefused` for an answer that a repetition would not change, and
 * `LauncherUnreachable` for everything that says nothing about the job: no connection, silence, 401, 403, and 429 or 5xx that did not pass.
 */
export class ApiClient {
  readonly namespace: string;
  private readonly connection: ClusterConnection;
  private readonly limits: ApiClientLimits;
  private readonly listener: ApiListener;

  constructor(connection: ClusterConnection, limits: Partial<ApiClientLimits> = {}, listener: ApiListener = {}) {
    this.connection = connection;
    this.namespace = connection.namespace;
    this.limits = { ...LIMITS, ...limits };
    this.listener = listener;
  }

  get<T>(path: string, query?: Readonly<Record<string, string>>): Promise<T> {
    return this.call<T>({ method: 'GET', path, ...(query && { query }) });
  }

  /** The object, or undefined when the server says that there is none. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) return undefined;
      throw error;
    }
  }

  async call<T>(call: ApiCall): Promise<T> {
    const patience = performance.now() + this.limits.patienceMs;
    for (let step = FIRST_PAUSE_MS; ; step = Math.min(2 * step, LONGEST_PAUSE_MS)) {
      const { status, headers, text } = await this.send(call);
      if (status >= 200 && status < 300) return (call.answer === 'text' ? text : parseJson(call, text)) as T;
      if (status !== 429 && status < 500) throw refusal(call, status, text);
      const asked = Number(headers['retry-after']) * 1_000;
      const ms = Number.isFinite(asked) ? Math.max(asked, step) : step;
      if (performance.now() + ms > patience) throw refusal(call, status, text);
      // Spread, or all that were turned away come back together.
      await pause(ms * (1 + 0.2 * Math.random()));
    }
  }

  /**
   * Events of one watch until the server or `signal` ends it: resolves at an orderly end. Rejects with `ApiRefused` (410: list again), or `LauncherUnreachable` when
   * the connection breaks or nothing has come for `silenceMs`.
   */
  async watch(
    path: string,
    query: Readonly<Record<string, string>>,
    onEvent: (event: WatchEvent) => void,
    { silenceMs, signal }: { readonly silenceMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const call: ApiCall = { method: 'GET', path, query: { ...query, watch: 'true', allowWatchBookmarks: 'true' } };
    const sent = await this.open(call);
    const silence = () => sent.destroy(new Error(`nothing came for ${Math.round(silenceMs / 1_000)} s`));
    let timer = setTimeout(silence, silenceMs);
    const stop = () => sent.destroy();
    signal.addEventListener('abort', stop);
    try {
      const answer = await answerTo(sent);
      this.listener.answered?.(call, answer.statusCode ?? 0);
      if (answer.statusCode !== 200) throw refusal(call, answer.statusCode ?? 0, await textOf(answer));
      let rest = '';
      answer.setEncoding('utf8');
      for await (const chunk of answer) {
        clearTimeout(timer);
        timer = setTimeout(silence, silenceMs);
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') onEvent(checkEvent(call, parseJson(call, line) as WatchEvent));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LauncherUnreachable)) this.listener.answered?.(call, 'unreachable');
      throw unreachable(call, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      sent.destroy();
    }
  }

  private async send(call: ApiCall): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
    const sent = await this.open(call);
    const late = () => sent.destroy(new Error(`no whole answer within ${Math.round(this.limits.callMs / 1_000)} s`));
    const timer = setTimeout(late, this.limits.callMs);
    try {
      const answer = await answerTo(sent);
      const status = answer.statusCode ?? 0;
      const text = await textOf(answer);
      this.listener.answered?.(call, status);
      return { status, headers: answer.headers, text };
    } catch (error) {
      this.listener.answered?.(call, 'unreachable');
      throw unreachable(call, error);
    } finally {
      clearTimeout(timer);
    }
  }

  private async open(call: ApiCall): Promise<ClientRequest> {
    this.listener.asked?.(call);
    const { method, path, query, body } = call;
    const url = new URL(path, this.connection.server);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    let options: Awaited<ReturnType<ClusterConnection['requestOptions']>>;
    try {
      options = await this.connection.requestOptions();
    } catch (error) {
      throw new LauncherUnreachable(`the credentials for ${url.origin} cannot be had: ${messageOf(error)}`, {
        cause: error,
      });
    }
    const content = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      ...options.headers,
      accept: 'application/json',
      ...(content === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) }),
    };
    const request = url.protocol === 'http:' ? requestHttp : requestHttps;
    const sent = request(url, { ...options, method, headers });
    sent.end(content);
    return sent;
  }
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
    sent.once('close', () => reject(new Error('the connection was closed')));
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_ANSWER_BYTES) throw new Error(`the answer is longer than ${MOST_ANSWER_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** An event of type ERROR ends a watch like an answer of that code. */
function checkEvent(call: ApiCall, event: WatchEvent): WatchEvent {
  if (event.type !== 'ERROR') return event;
  const { code = 0, message = 'an error' } = event.object;
  throw code === 410 ? new ApiRefused(nameOf(call), 410, 'Expired', message) : new Error(`${code} ${message}`);
}

/** 401 and 403 are about us, 429 and 5xx about the server: nothing is concluded from them. */
function refusal(call: ApiCall, status: number, text: string): Error {
  const { reason, message } = sentenceOf(text);
  if (status === 401 || status === 403 || status === 429 || status >= 500)
    return new LauncherUnreachable(`${nameOf(call)}: the API server answers ${status}: ${message}`);
  return new ApiRefused(nameOf(call), status, reason, message);
}

function unreachable(call: ApiCall, error: unknown): Error {
  if (error instanceof LauncherUnreachable) return error;
  return new LauncherUnreachable(`${nameOf(call)}: the API server cannot be reached: ${messageOf(error)}`, {
    cause: error,
  });
}

function parseJson(call: ApiCall, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LauncherUnreachable(`${nameOf(call)}: expected JSON, got ${text.length} characters that are not`);
  }
}

/** Errors come as an object of kind Status; a proxy before the server may answer anything. */
function sentenceOf(text: string): { readonly reason: string; readonly message: string } {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: unknown; message?: unknown };
    if (typeof message === 'string') return { reason: typeof reason === 'string' ? reason : '', message };
  } catch {
    // Below.
  }
  return { reason: '', message: text.slice(0, 200).replaceAll('\n', ' ') };
}

function nameOf({ method, path }: ApiCall): string {
  return `${method} ${path}`;
}
