import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobLauncher } from '../jobs/job-launcher.ts';
import type { ClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { embeddedFolder } from '../temporal/embedded-server.ts';
import { createLetheWorker } from '../worker.ts';
import type { DrillPlace } from './drill-store.ts';

/** The worker of one row's store. */
export interface RowWorker {
  /** Jobs run on. */
  stop(): Promise<void>;
}

export interface WorkerPlace {
  readonly place: DrillPlace;
  readonly temporal: { readonly address: string; readonly namespace: string };
  readonly settings: ClusterSettings;
}

/** A worker in this process: its jobs go through the given launcher. */
export async function startWorkerHere(
  { place, temporal, settings }: WorkerPlace,
  launcher: JobLauncher,
  stallMs: number | undefined,
): Promise<RowWorker> {
  const worker = await createLetheWorker({
    storePath: place.path,
    ...temporal,
    cluster: settings,
    launcher,
    ...(stallMs === undefined ? {} : { stallMs }),
  });
  const running = worker.run();
  // Told when it is stopped; until then the row itself notices that nothing goes on.
  running.catch(() => undefined);
  return {
    stop: async () => {
      worker.shutdown();
      await running;
    },
  };
}

/** A worker that can be killed: `lethe worker` as a process. */
export class WorkerProcess implements RowWorker {
  private readonly place: DrillPlace;
  private readonly address: string;
  private child: ChildProcess | undefined;

  constructor({ place, temporal }: WorkerPlace) {
    this.place = place;
    this.address = temporal.address;
  }

  /** `written`: the settings as a file holds them. */
  async start(written: object): Promise<void> {
    await mkdir(embeddedFolder(this.place.path), { recursive: true });
    const settings = join(embeddedFolder(this.place.path), 'cluster.yaml');
    await writeFile(settings, JSON.stringify(written), { mode: 0o600 });
    this.again();
  }

  again(): void {
    const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
    const args = ['--disable-warning=ExperimentalWarning', main, 'worker', '--store', this.place.path];
    // By its channel it knows when this process is gone, however that ended.
    const stdio: StdioOptions = ['ignore', 'ignore', 'ignore', 'ipc'];
    this.child = spawn(process.execPath, [...args, '--address', this.address], { stdio });
    this.child.on('error', () => undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}
