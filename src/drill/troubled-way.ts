import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterConnection } from '../jobs/kubernetes/cluster-connection.ts';

/** How the API server answers to those who ask by this way: as it does, late, not at all, not even connecting, or with a status. */
export type Trouble = 'none' | 'slow' | 'silent' | 'down' | 429 | 500 | 410;

const SLOW_MS = 3_000;

/**
 * A way to the API server with trouble on it, for one worker alone: it listens on loopback, asks the real server with the caller's own credentials, and never keeps
 * anything. Trouble of kind `down` and `silent` meets the watches that are open as well.
 */
export class TroubledWay {
  readonly connection: ClusterConnection;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private trouble: Trouble = 'none';

  private constructor(server: Server, connection: ClusterConnection) {
    this.server = server;
    this.connection = connection;
  }

  static async open(to: ClusterConnection): Promise<TroubledWay> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { namespace } = to;
    const connection = { server: `http://127.0.0.1:${port}`, namespace, requestOptions: async () => ({}) };
    const way = new TroubledWay(server, connection);
    server.on('connection', (socket) => way.welcome(socket));
    server.on('request', (asked, answer) => {
      way.pass(to, asked, answer).catch(() => answer.destroy());
    });
    return way;
  }

  set(trouble: Trouble): void {
    this.trouble = trouble;
    if (trouble === 'down') for (const socket of this.sockets) socket.destroy();
    // What comes from now on stays in the kernel's buffers, as with a server that stands still.
    for (const socket of this.sockets) if (trouble === 'silent') socket.cork();
    if (trouble === 'none') for (const socket of this.sockets) socket.uncork();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private welcome(socket: Socket): void {
    if (this.trouble === 'down') {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }

  private async pass(to: ClusterConnection, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { trouble } = this;
    if (trouble === 'silent') return;
    if (trouble === 'slow') await sleep(SLOW_MS);
    if (typeof trouble === 'number') {
      const status = { kind: 'Status', apiVersion: 'v1', code: trouble, reason: 'Drill', message: 'as a drill asked' };
      answer.writeHead(trouble, { 'content-type': 'application/json', 'retry-after': '1' });
      answer.end(JSON.stringify(status));
      return;
    }
    const url = new URL(asked.url ?? '/', to.server);
    const { headers: own, ...options } = await to.requestOptions();
    const { host: _host, connection: _connection, ...headers } = asked.headers;
    const request = url.protocol === 'http:' ? requestHttp : requestHttps;
    const sent = request(url, { ...options, method: asked.method, headers: { ...headers, ...own } }, (real) => {
      answer.writeHead(real.statusCode ?? 502, real.headers);
      real.on('error', () => answer.destroy());
      real.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    answer.on('close', () => sent.destroy());
    asked.pipe(sent);
  }
}
