import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One thing that must hold before a worker can do its work. */
export interface HealthCheck {
  /** `temporal`, `store` … */
  readonly name: string;
  /** What is wrong; absent when it holds. */
  readonly trouble?: string;
}

/** What the server tells: states and numbers, never an example or a text. */
export interface HealthSources {
  /** Why this process is to be started again; undefined while it works or lets go of its work. */
  ailment(): string | undefined;
  /** What it needs at this moment. */
  checks(): Promise<readonly HealthCheck[]>;
  /** In the text form of Prometheus. */
  metrics(): Promise<string>;
}

export interface HealthAddress {
  /** 0 = any that is free. */
  readonly port: number;
  /** Default 127.0.0.1; `*` = every address of the machine or pod. */
  readonly host?: string;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The text form of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * `/healthz` (200, or 503 when only a new process helps), `/readyz` (503 with what lacks) and `/metrics` of a worker. Reads only, and nothing of the store's
 * content: whoever reaches the port may see it all.
 */
export async function startHealthServer(address: HealthAddress, sources: HealthSources): Promise<HealthServer> {
  const server = createServer((request, answer) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return tell(answer, 405, 'expected GET\n');
    const path = (request.url ?? '/').split('?')[0];
    void answerTo(path, sources, answer).catch((error) => tell(answer, 500, `${nameOf(error)}\n`));
  });
  await listen(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerTo(path: string | undefined, sources: HealthSources, answer: ServerResponse): Promise<void> {
  switch (path) {
    case '/healthz': {
      const ailment = sources.ailment();
      return ailment === undefined ? tell(answer, 200, 'ok\n') : tell(answer, 503, `${ailment}\n`);
    }
    case '/readyz': {
      const checks = await sources.checks();
      const lines = checks.map(({ name, trouble }) => `${name}: ${trouble ?? 'ok'}\n`);
      return tell(answer, checks.every(({ trouble }) => trouble === undefined) ? 200 : 503, lines.join(''));
    }
    case '/metrics':
      return tell(answer, 200, await sources.metrics(), METRICS_TYPE);
    default:
      return tell(answer, 404, 'expected /healthz, /readyz or /metrics\n');
  }
}

function tell(answer: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  answer.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

function listen(server: Server, { port, host = '127.0.0.1' }: HealthAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(`port ${port} for health and metrics cannot be had (${error.message}): give another --metrics-port`),
      ),
    );
    server.listen({ port, ...(host !== '*' && { host }) }, resolve);
  });
}

/** An error's own words may name a file or more: its kind says enough to whoever is at the port, the log has the rest. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
