import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/temporal/connection.ts';
import { ensureNamespace } from '../../src/temporal/ensure-namespace.ts';
import { freePorts } from '../../src/temporal/free-ports.ts';
import { findTemporalCli } from '../../src/temporal/temporal-cli.ts';

export interface TemporalServer {
  /** On the loopback of this machine. */
  readonly port: number;
  /** Of its UI, where it was asked for. */
  readonly uiPort?: number;
  stop(): void;
}

/** A Temporal development server that knows a namespace. */
export async function startTemporalServer(
  namespace: string,
  { ui = false }: { readonly ui?: boolean } = {},
): Promise<TemporalServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-temporal-'));
  const [port = 0, uiPort = 0] = await freePorts([0, 0]);
  const where = [
    ...['--ip', '127.0.0.1', '--port', String(port), '--db-filename', join(folder, 'temporal.db')],
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
  ];
  const program = process.env.LETHE_TEMPORAL_CLI || findTemporalCli();
  const shown = !ui ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)];
  // It ends with this process, also when a test run is killed.
  const server = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', program, 'server', 'start-dev', ...shown, '--log-level', 'error', ...where],
    {
      stdio: 'ignore',
    },
  );
  const stop = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 30_000; ; ) {
    try {
      const lethe = await connect({ address: `127.0.0.1:${port}`, namespace }, 1_000);
      await ensureNamespace(lethe);
      await lethe.close();
      return { port, stop, ...(ui && { uiPort }) };
    } catch (error) {
      if (Date.now() < deadline && server.exitCode === null) {
        await sleep(100);
        continue;
      }
      stop();
      throw error;
    }
  }
}
