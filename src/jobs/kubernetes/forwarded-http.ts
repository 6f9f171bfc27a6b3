import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../experiment/message-of.ts';
import { ForwardFailed } from './port-forward.ts';

/** Thrown when the service in the pod understood a request and refused it. */
export class ServiceRefused extends Error {
  override readonly name = 'ServiceRefused';
  readonly status: number;

  constructor(path: string, status: number, message: string) {
    super(`${path}: ${message}`);
    this.status = status;
  }
}

const SILENT_MS = 60_000;
const MOST_JSON = 64 * 2 ** 20;

/** Requests to a service behind a connection of any kind: each has a connection of its own, which `open` makes. */
export class ForwardedHttp {
  readonly #open: () => Promise<Duplex>;

  constructor(open: () => Promise<Duplex>) {
    this.#open = open;
  }

  async json<T>(path: string): Promise<T> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of await this.stream(path)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > MOST_JSON) throw new ForwardFailed(`${path}: expected at most ${MOST_JSON} bytes, got more`);
    }
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as T;
  }

  /** The body of a whole answer as it comes; one that is cut off throws `ForwardFailed`. `body`: sent with PUT. */
  async stream(path: string, body?: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Buffer>> {
    const connection = await this.#open();
    if (connection.destroyed) throw failed(path, connection.errored ?? new Error('the connection was closed'));
    const sent = request({
      path,
      method: body === undefined ? 'GET' : 'PUT',
      host: '127.0.0.1',
      headers: { connection: 'close' },
      createConnection: () => connection,
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      connection.once('error', reject);
      connection.once('close', () => reject(new Error('the connection was closed')));
    });
    // An answer may come, and refuse, while the body is still being sent.
    if (body === undefined) sent.end();
    else pipeline(body, sent).catch((error: unknown) => connection.destroy(error as Error));
    const silence = setTimeout(() => connection.destroy(new Error(`silent for ${SILENT_MS / 1000} s`)), SILENT_MS);
    if (body !== undefined) clearTimeout(silence);
    const answer = await answered.catch((error: unknown) => {
      throw failed(path, error);
    });
    clearTimeout(silence);
    if (answer.statusCode !== 200) throw await refusal(path, answer);
    return bodyOf(path, answer, connection);
  }
}

async function* bodyOf(path: string, answer: IncomingMessage, connection: Duplex): AsyncGenerator<Buffer> {
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) yield piece;
  } catch (error) {
    throw failed(path, error);
  } finally {
    // Whoever reads no further wants no more, and sends no more either.
    if (!answer.complete) connection.destroy();
  }
  if (!answer.complete) throw new ForwardFailed(`${path}: the answer was cut off`);
}

async function refusal(path: string, answer: IncomingMessage): Promise<Error> {
  let text = '';
  for await (const piece of answer) text = `${text}${piece}`.slice(0, 10_000);
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (typeof error === 'string') return new ServiceRefused(path, answer.statusCode ?? 0, error);
  } catch {
    // Below.
  }
  return new ServiceRefused(path, answer.statusCode ?? 0, `the answer was ${answer.statusCode}`);
}

function failed(path: string, error: unknown): ForwardFailed {
  if (error instanceof ForwardFailed) return error;
  return new ForwardFailed(`${path}: no answer: ${messageOf(error)}`);
}
