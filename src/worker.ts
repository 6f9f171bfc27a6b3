import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from './activities/activities.ts';
import { createFinishingActivities, type FinishingActivities } from './activities/finishing-activities.ts';
import { firstSetup } from './activities/first-setup.ts';
import { FrozenPlans } from './activities/frozen-plans.ts';
import { Store } from './artifacts/store.ts';
import { codeVersion } from './cli/code-version.ts';
import { MAX_PARALLEL } from './experiment/sweep-control.ts';
import { taskQueue } from './experiment/workflow-ids.ts';
import type { JobLauncher } from './jobs/job-launcher.ts';
import { LocalLauncher } from './jobs/local/local-launcher.ts';
import { thisMachine } from './jobs/local/machine.ts';
import { connect, ensureNamespace, type Lethe } from './temporal/connection.ts';
import { StageWorkflows } from './temporal/stage-workflows.ts';
import { SweepKeeper } from './temporal/sweep-keeper.ts';
import { workerLogger } from './temporal/worker-logger.ts';
import { workflowBundle } from './temporal/workflow-bundle.ts';

export interface LetheWorkerOptions {
  readonly storePath: string;
  /** `host:port` and namespace of the store's server. */
  readonly address: string;
  readonly namespace: string;
  /** Jobs at once on this machine; cores and memory decide when absent. */
  readonly slots?: number;
  /** Instead of processes of this machine. */
  readonly launcher?: JobLauncher;
  readonly trainer?: readonly string[];
  /** Instead of tables, analysis and report from the store. */
  readonly finishing?: FinishingActivities;
  /** Instead of the bundle of src/workflows. */
  readonly workflows?: { readonly codePath: string };
  /** Workflows kept in memory; the others are replayed for each of their tasks. */
  readonly cached?: number;
  readonly watchMs?: number;
  readonly stopGraceMs?: number;
  readonly stallMs?: number;
}

export interface LetheWorker {
  readonly store: Store;
  readonly lethe: Lethe;
  /** Works until `shutdown` or a signal. */
  run(): Promise<void>;
  /** Lets go of the jobs, which run on, and makes `run` return. */
  shutdown(): void;
}

const project = fileURLToPath(new URL('..', import.meta.url));
const LOCAL = { watchMs: 1_000, stopGraceMs: 60_000, stallMs: 600_000 };

/** Sends Temporal's own records to our log; once a process, before anything else of the SDK. */
export function installRuntime(level: 'debug' | 'info' | 'warn' = 'info'): void {
  Runtime.install({
    logger: workerLogger(level),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN' }) } },
  });
}

/** Wires the real parts of one store's worker: the only place that knows which launcher, trainer and server there are. */
export async function createLetheWorker(options: LetheWorkerOptions): Promise<LetheWorker> {
  const { address, namespace } = options;
  const store = await Store.open(options.storePath);
  const lethe = await connect({ address, namespace });
  await ensureNamespace(lethe);
  const memoryLimit = thisMachine().capacity.memoryBytes;
  const launchBinary = [join(project, 'native', 'build', 'lethe-launch')];
  const slots = options.slots === undefined ? {} : { slots: options.slots };
  const activities = createActivities(
    {
      store,
      plans: new FrozenPlans(store),
      launcher: options.launcher ?? new LocalLauncher({ launchBinary, ...slots }),
      trainer: options.trainer ?? [join(project, 'native', 'build', 'lethe-trainer')],
      setupOf: (spec, asked) => firstSetup(spec, asked, memoryLimit),
      memoryLimit,
      stopGraceMs: options.stopGraceMs ?? LOCAL.stopGraceMs,
      stallMs: options.stallMs ?? LOCAL.stallMs,
      watchMs: options.watchMs ?? LOCAL.watchMs,
      workflows: new StageWorkflows(lethe.client, store.id),
    },
    options.finishing ?? createFinishingActivities({ store, codeVersion }),
  );
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue(store.id),
    workflowBundle: options.workflows ?? (await workflowBundle(Runtime.instance().logger)),
    activities,
    identity: `lethe-worker ${process.pid}@${store.shortId}`,
    // Otherwise the task of a workflow that no longer fits its history fails in a loop while the workflow shows as running.
    workflowFailureErrorTypes: { '*': ['NondeterminismError'] },
    // Each job in flight holds a slot for as long as it runs.
    maxConcurrentActivityTaskExecutions: MAX_PARALLEL + 100,
    maxHeartbeatThrottleInterval: '2 seconds',
    shutdownGraceTime: '2 seconds',
    shutdownForceTime: '15 seconds',
    ...(options.cached === undefined ? {} : { maxCachedWorkflows: options.cached }),
  });
  const keeper = new SweepKeeper(lethe, store);
  return {
    store,
    lethe,
    run: async () => {
      const over = new AbortController();
      const keeping = keeper.keep(over.signal);
      try {
        await worker.run();
      } finally {
        over.abort();
        await keeping;
        await Promise.allSettled([connection.close(), lethe.close()]);
      }
    },
    shutdown: () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

/** `node src/worker.ts --store DIR [--slots N]`: the worker of a store whose server somebody else runs. `lethe worker` does the same for any store. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { store: { type: 'string' }, slots: { type: 'string' } } });
  if (values.store === undefined) throw new Error('expected --store DIR, got none');
  installRuntime();
  const { temporal } = await Store.open(values.store);
  const slots = values.slots === undefined ? {} : { slots: Number(values.slots) };
  const worker = await createLetheWorker({ storePath: values.store, ...temporal, ...slots });
  await worker.run();
}
