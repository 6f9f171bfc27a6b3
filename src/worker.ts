import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from './activities/activities.ts';
import type { ActivityParts } from './activities/activity-parts.ts';
import { clusterSetup } from './activities/cluster-setup.ts';
import { createFinishingActivities, type FinishingActivities } from './activities/finishing-activities.ts';
import { firstSetup } from './activities/first-setup.ts';
import { FrozenPlans } from './activities/frozen-plans.ts';
import { Store } from './artifacts/store.ts';
import { codeVersion } from './cli/code-version.ts';
import { MAX_PARALLEL } from './experiment/sweep-control.ts';
import { taskQueue } from './experiment/workflow-ids.ts';
import type { JobLauncher } from './jobs/job-launcher.ts';
import type { ClusterSettings } from './jobs/kubernetes/cluster-settings.ts';
import { openKubernetesLauncher } from './jobs/kubernetes/open-launcher.ts';
import { LocalLauncher } from './jobs/local/local-launcher.ts';
import { thisMachine } from './jobs/local/machine.ts';
import { connect, type Lethe } from './temporal/connection.ts';
import { ensureNamespace } from './temporal/ensure-namespace.ts';
import { loginAt } from './temporal/server-profile.ts';
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
  /** Jobs run in this cluster instead of on this machine. */
  readonly cluster?: ClusterSettings;
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
/** Other nodes, other disks: a step may take longer before it means that nothing happens. */
const CLUSTER_STALL_MS = 1_800_000;

type JobPlace = Omit<ActivityParts, 'store' | 'plans' | 'workflows'>;

function placeHere({ slots, launcher }: LetheWorkerOptions): JobPlace {
  const build = join(project, 'native', 'build');
  const memoryLimit = thisMachine().capacity.memoryBytes;
  return {
    ...LOCAL,
    launcher:
      launcher ??
      new LocalLauncher({
        launchBinary: [join(build, 'lethe-launch')],
        ...(slots === undefined ? {} : { slots }),
      }),
    trainer: [join(build, 'lethe-trainer')],
    setupOf: (spec, asked) => firstSetup(spec, asked, memoryLimit),
    memoryLimit,
  };
}

async function placeInCluster(
  settings: ClusterSettings,
  store: Store,
  { launcher }: LetheWorkerOptions,
): Promise<JobPlace> {
  return {
    launcher: launcher ?? (await openKubernetesLauncher(settings, store)),
    trainer: settings.trainer,
    setupOf: (spec, asked) => clusterSetup(spec, asked, settings),
    memoryLimit: settings.memoryLimit,
    // The pods know their own.
    stopGraceMs: settings.defaults.graceSeconds * 1_000,
    stallMs: CLUSTER_STALL_MS,
    watchMs: settings.pollSeconds * 1_000,
    startLimitMs: { image: settings.imageSeconds * 1_000, unschedulable: settings.unschedulableSeconds * 1_000 },
  };
}

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
  const place =
    options.cluster === undefined ? placeHere(options) : await placeInCluster(options.cluster, store, options);
  const activities = createActivities(
    {
      store,
      plans: new FrozenPlans(store),
      ...place,
      trainer: options.trainer ?? place.trainer,
      stopGraceMs: options.stopGraceMs ?? place.stopGraceMs,
      stallMs: options.stallMs ?? place.stallMs,
      watchMs: options.watchMs ?? place.watchMs,
      workflows: new StageWorkflows(lethe.client, store.id),
    },
    options.finishing ?? createFinishingActivities({ store, codeVersion }),
  );
  const connection = await NativeConnection.connect({ address, ...loginAt(address) });
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
    maxHeartbeatThrottleInterval: options.cluster === undefined ? '2 seconds' : '15 seconds',
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
