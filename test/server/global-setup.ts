import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connect } from '../../src/temporal/connection.ts';
import { ensureNamespace } from '../../src/temporal/ensure-namespace.ts';
import { findTemporalCli } from '../../src/temporal/temporal-cli.ts';
import { NAMESPACE } from './namespace.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    temporalAddress: string;
  }
}

/** One Temporal development server for all files of the project; every test has its own store, and with it its own task queue and workflow ids. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cli = process.env.LETHE_TEMPORAL_CLI || findTemporalCli();
  const folder = await mkdtemp(join(tmpdir(), 'lethe-temporal-'));
  const port = await freePort();
  const server = spawn(
    cli,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', '--log-level', 'error'],
      ...['--db-filename', join(folder, 'temporal.db')],
      ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ],
    { stdio: 'ignore' },
  );
  const address = `127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      const lethe = await connect({ address, namespace: NAMESPACE }, 1_000);
      await ensureNamespace(lethe);
      await lethe.close();
      break;
    } catch (error) {
      if (Date.now() > deadline || server.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  project.provide('temporalAddress', address);
  return async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
