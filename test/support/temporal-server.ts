import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/temporal/connection.ts';
import { ensureNamespace } from '../../src/temporal/ensure-namespace.ts';
import { findTemporalCli } from '../../src/temporal/temporal-cli.ts';

export interface TemporalServer {
  /** On the loopback of this machine. */
  readonly port: number;
  /** Of its UI, where it was asked for. */
  readonly uiPort?: number;
  stop(): void;
}

/** A Temporal development server that knows a namespace, for workers in pods. */
export async function startTemporalServer(
  namespace: string,
  { ui = false }: { readonly ui?: boolean } = {},
): Promise<TemporalServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-temporal-'));
  const port = await freePort();
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--db-filename', join(folder, 'temporal.db')];
  const program = process.env.LETHE_TEMPORAL_CLI || findTemporalCli();
  const uiPort = ui ? await freePort() : undefined;
  const shown = uiPort === undefined ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)];
  const server = spawn(program, ['server', 'start-dev', ...shown, '--log-level', 'error', ...where], {
    stdio: 'ignore',
  });
  const stop = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 30_000; ; ) {
    try {
      const lethe = await connect({ address: `127.0.0.1:${port}`, namespace }, 1_000);
      await ensureNamespace(lethe);
      await lethe.close();
      return { port, stop, ...(uiPort !== undefined && { uiPort }) };
    } catch (error) {
      if (Date.now() < deadline && server.exitCode === null) continue;
      stop();
      throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
    probe.on('error', reject);
  });
}
