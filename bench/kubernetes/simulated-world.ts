import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Store } from '../../src/artifacts/store.ts';
import { connect, type Lethe } from '../../src/temporal/connection.ts';
import { type EmbeddedServer, ensureEmbeddedServer, stopEmbeddedServer } from '../../src/temporal/embedded-server.ts';
import { ensureNamespace } from '../../src/temporal/ensure-namespace.ts';
import { ClusterProcess, WorkerProcess } from './processes.ts';

/** Settings of a cluster that are all the simulated one asks for, beside its kubeconfig. */
const SETTINGS = { image: 'noop', store: { claim: 'store' } };

/** Writes kubeconfig and settings of a simulated cluster into a folder; returns the path of the settings. */
export async function writeClusterFile(folder: string, cluster: ClusterProcess): Promise<string> {
  const server = { server: await cluster.server(), 'insecure-skip-tls-verify': true };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'simulated',
    clusters: [{ name: 'simulated', cluster: server }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: 'nobody', namespace: 'lethe' } }],
  };
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  const file = join(folder, 'cluster.yaml');
  writeFileSync(file, JSON.stringify({ ...SETTINGS, kubeconfig: join(folder, 'kubeconfig') }));
  return file;
}

/** A store, its Temporal server, a simulated cluster and a worker between them, each in a process of its own. */
export class SimulatedWorld {
  readonly folder: string;
  readonly cluster: ClusterProcess;
  readonly clusterFile: string;
  readonly temporal: EmbeddedServer;
  readonly store: Store;
  readonly lethe: Lethe;
  worker: WorkerProcess;

  private constructor(
    parts: Pick<SimulatedWorld, 'folder' | 'cluster' | 'clusterFile' | 'temporal' | 'store' | 'lethe'>,
  ) {
    this.folder = parts.folder;
    this.cluster = parts.cluster;
    this.clusterFile = parts.clusterFile;
    this.temporal = parts.temporal;
    this.store = parts.store;
    this.lethe = parts.lethe;
    this.worker = new WorkerProcess(this.folder, this.clusterFile);
  }

  static async create(): Promise<SimulatedWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-jobs-'));
    const cluster = new ClusterProcess();
    const clusterFile = await writeClusterFile(folder, cluster);
    const temporal = await ensureEmbeddedServer(folder);
    const server = { address: temporal.address, namespace: 'lethe' };
    const store = await Store.create(folder, server);
    const lethe = await connect(server);
    await ensureNamespace(lethe);
    return new SimulatedWorld({ folder, cluster, clusterFile, temporal, store, lethe });
  }

  startWorker(): void {
    this.worker = new WorkerProcess(this.folder, this.clusterFile);
  }

  async untilRunning(count: number): Promise<void> {
    for (;;) {
      const { running, finished } = await this.cluster.counts();
      if (running + finished >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Stages that have a result. */
  async results(): Promise<number> {
    const keys = await this.store.stageKeys();
    const results = await Promise.all(keys.map((key) => this.store.stage(key).result()));
    return results.filter((result) => result !== undefined).length;
  }

  async end(): Promise<void> {
    this.cluster.end();
    await this.worker.kill('SIGKILL');
    await this.lethe.close();
    await stopEmbeddedServer(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
