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
import { freeBytesAt } from './artifacts/disk-use.ts';
import { Store } from './artifacts/store.ts';
import { codeVersion } from './cli/code-version.ts';
import { MAX_PARALLEL } from './experiment/sweep-control.ts';
import { taskQueue } from './experiment/workflow-ids.ts';
import { type HealthAddress, startHealthServer } from './http/health-server.ts';
import { startStoreService } from './http/store-service.ts';
import { WorkerMetrics } from './http/worker-metrics.ts';
import type { JobLauncher } from './jobs/job-launcher.ts';
import type { ClusterSettings } from './jobs/kubernetes/cluster-settings.ts';
import { LEAST_GRACE_SECONDS } from './jobs/kubernetes/grace.ts';
import { openKubernetesLauncher } from './jobs/kubernetes/open-launcher.ts';
import { LocalLauncher } from './jobs/local/local-launcher.ts';
import { thisMachine } from './jobs/local/machine.ts';
import { connect, type Lethe } from './temporal/connection.ts';
import { ensureNamespace } from './temporal/ensure-namespace.ts';
import { loginAt } from './temporal/server-profile.ts';
import { StageWorkflows } from './temporal/stage-workflows.ts';
import { SweepCensusTaker } from './temporal/sweep-census.ts';
import { SweepKeeper } from './temporal/sweep-keeper.ts';
import { workerLogger } from './temporal/worker-logger.ts';
import { workflowBundle } from './temporal/workflow-bundle.ts';
import { countApiCalls, healthSources } from './worker-health.ts';

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
  /** Port of loopback on which the store is shown, read-only; none when absent. */
  readonly servePort?: number;
  readonly trainer?: readonly string[];
  /** Instead of tables, analysis and report from the store. */
  readonly finishing?: FinishingActivities;
  /** Instead of the bundle of src/workflows. */
  readonly workflows?: { readonly codePath: string };
  /** Workflows kept in memory; the others are replayed for each of their tasks. */
  readonly cached?: number;
  /** Jobs watched at once; each holds a slot for as long as it runs. */
  readonly activitySlots?: number;
  /** Where health and metrics are told; nowhere when absent. */
  readonly health?: HealthAddress & { readonly sdkMetrics?: string };
  readonly watchMs?: number;
  readonly stopGraceMs?: number;
  readonly stallMs?: number;
}

export interface LetheWorker {
  readonly store: Store;
  readonly lethe: Lethe;
  /** Port of health and metrics, once it works. */
  readonly healthPort: number | undefined;
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
  metrics: WorkerMetrics | undefined,
): Promise<JobPlace> {
  const listener = metrics === undefined ? {} : countApiCalls(metrics);
  return {
    launcher: launcher ?? (await openKubernetesLauncher(settings, store, listener)),
    trainer: settings.trainer,
    setupOf: (spec, asked) => clusterSetup(spec, asked, settings),
    memoryLimit: settings.memoryLimit,
    // Each pod knows its own.
    stopGraceMs: LEAST_GRACE_SECONDS * 1_000,
    stallMs: CLUSTER_STALL_MS,
    watchMs: settings.pollSeconds * 1_000,
    startLimitMs: { image: settings.imageSeconds * 1_000, unschedulable: settings.unschedulableSeconds * 1_000 },
  };
}

export interface RuntimeTelemetry {
  /** `host:port` at which the SDK serves its own metrics. */
  readonly prometheus?: string;
  /** Collector of OpenTelemetry that gets them instead, `grpc://host:4317`. Off by default, as all telemetry is. */
  readonly collector?: string;
}

/** The settings of the cluster without the way to it, which is this worker's own. */
function shownJobs(cluster: ClusterSettings | undefined): object | null {
  if (cluster === undefined) return null;
  const { kubeconfig: _, context: __, ...shown } = cluster;
  return shown;
}

/** Sends Temporal's own records to our log; once a process, before anything else of the SDK. */
export function installRuntime(level: 'debug' | 'info' | 'warn' = 'info', telemetry: RuntimeTelemetry = {}): void {
  const { prometheus, collector } = telemetry;
  const metrics =
    collector !== undefined
      ? { metrics: { otel: { url: collector } } }
      : prometheus !== undefined && { metrics: { prometheus: { bindAddress: prometheus } } };
  const logging = { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN' }) };
  Runtime.install({ logger: workerLogger(level), telemetryOptions: { logging, ...metrics } });
}

/** Sweeps at once that one worker of a cluster serves at their full width. */
const WIDE_SWEEPS = 5;

/** A job in flight holds a slot for as long as it runs, and one that finds none stands still without a word. The rest are short. */
export function activitySlots(inCluster: boolean): number {
  return (inCluster ? WIDE_SWEEPS : 1) * MAX_PARALLEL + 100;
}

/** A stage's workflow sleeps while its job runs: thousands of them in memory cost a gigabyte, and reading its dozen events again costs a millisecond. */
const CACHED_IN_CLUSTER = 300;

function cacheSize({ cached, cluster }: LetheWorkerOptions): { readonly maxCachedWorkflows?: number } {
  const size = cached ?? (cluster && CACHED_IN_CLUSTER);
  return size === undefined ? {} : { maxCachedWorkflows: size };
}

/** Wires the real parts of one store's worker: the only place that knows which launcher, trainer and server there are. */
export async function createLetheWorker(options: LetheWorkerOptions): Promise<LetheWorker> {
  const { address, namespace } = options;
  const store = await Store.open(options.storePath);
  const lethe = await connect({ address, namespace });
  await ensureNamespace(lethe);
  const { cluster, health } = options;
  const census = new SweepCensusTaker(lethe, store);
  const metrics =
    health === undefined
      ? undefined
      : new WorkerMetrics({ census: () => census.take(), freeBytes: () => freeBytesAt(store.path) });
  const place = cluster === undefined ? placeHere(options) : await placeInCluster(cluster, store, options, metrics);
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
      ...(metrics && { news: metrics }),
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
    maxConcurrentActivityTaskExecutions: options.activitySlots ?? activitySlots(cluster !== undefined),
    maxHeartbeatThrottleInterval: cluster === undefined ? '2 seconds' : '15 seconds',
    shutdownGraceTime: '2 seconds',
    shutdownForceTime: '15 seconds',
    ...cacheSize(options),
  });
  const keeper = new SweepKeeper(lethe, store);
  const service =
    options.servePort === undefined
      ? undefined
      : await startStoreService({
          store,
          port: options.servePort,
          jobs: shownJobs(options.cluster),
        });
  const told = metrics && {
    ...{ worker, lethe, store, metrics },
    ...(health?.sdkMetrics !== undefined && { sdkMetrics: health.sdkMetrics }),
  };
  const teller = health && told && (await startHealthServer(health, healthSources(told)));
  return {
    store,
    lethe,
    healthPort: teller?.port,
    run: async () => {
      const over = new AbortController();
      const keeping = keeper.keep(over.signal);
      try {
        await worker.run();
      } finally {
        over.abort();
        await teller?.close();
        await keeping;
        await Promise.allSettled([connection.close(), lethe.close(), service?.close()]);
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
