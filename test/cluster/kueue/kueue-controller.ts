import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiRefused } from '../../../src/jobs/kubernetes/api-client.ts';
import { pathOf } from '../../../src/jobs/kubernetes/api-paths.ts';
import { type Condition, isFinished } from '../../../src/jobs/kubernetes/cluster-objects.ts';
import { QUEUE_LABEL } from '../../../src/jobs/kubernetes/names-and-labels.ts';
import { KUEUE_GROUP, KUEUE_VERSION } from './definitions.ts';
import {
  amountOf,
  type ClusterQueue,
  isTrue,
  type LocalQueue,
  type QueuedJob,
  requestsOf,
  type Workload,
} from './kueue-objects.ts';

const LOOK_MS = 200;
const API = `/apis/${KUEUE_GROUP}/${KUEUE_VERSION}`;

interface Pair {
  readonly job: QueuedJob;
  readonly workload: Workload;
}

/**
 * Does to real Jobs on a real API server what Kueue's documentation and types say that Kueue does, for one namespace; not Kueue. A suspended Job with a queue's
 * label gets a Workload; the Workload reserves quota of its ClusterQueue in order of priority and age (`QuotaReserved`, `Admitted`), or is told why not; its Job
 * is then let go. With `withinClusterQueue: LowerPriority` a Workload that finds no room evicts those of lower priority (`Evicted`, `Preempted`): their Jobs are
 * suspended, their `startTime` is cleared, Kubernetes deletes their pods, and once none is left they are queued again. Left out: cohorts, borrowing, several
 * flavors, partial admission, checks, topology.
 */
export class KueueController {
  private readonly api: ApiClient;
  private readonly over = new AbortController();
  private readonly running: Promise<void>;
  /** What went wrong at the last look; a test that waits in vain may say it. */
  trouble: unknown;

  constructor(api: ApiClient) {
    this.api = api;
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  /** Evicts as an administrator does who sets `spec.active` to false and back: reason Deactivated. */
  async evict(jobName: string, reason: string, message: string): Promise<void> {
    const pair = (await this.pairs()).find(({ job }) => job.metadata.name === jobName);
    if (pair === undefined) throw new Error(`expected a Workload of Job ${jobName}, there is none`);
    await this.startEviction(pair, reason, message);
  }

  private async run(): Promise<void> {
    while (!this.over.signal.aborted) {
      // A server that cannot be asked now, or an object that changed meanwhile, is asked for again.
      await this.look().catch((error: unknown) => {
        this.trouble = error;
      });
      await sleep(LOOK_MS, undefined, { signal: this.over.signal }).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const pairs = await this.pairs();
    const [localQueues, clusterQueues] = await Promise.all([
      this.list<LocalQueue>(`${API}/namespaces/${this.api.namespace}/localqueues`),
      this.list<ClusterQueue>(`${API}/clusterqueues`),
    ]);
    for (const pair of pairs) await this.settle(pair);
    for (const queue of clusterQueues) {
      const names = localQueues.flatMap(({ metadata, spec }) =>
        spec.clusterQueue === queue.metadata.name ? [metadata.name] : [],
      );
      await this.admit(
        queue,
        pairs.filter(({ workload }) => names.includes(workload.spec.queueName)),
      );
    }
  }

  /** Every open Job of a queue with its Workload, which is made where it lacks. */
  private async pairs(): Promise<Pair[]> {
    const [jobs, workloads] = await Promise.all([
      this.list<QueuedJob>(pathOf(this.api, 'jobs'), { labelSelector: QUEUE_LABEL }),
      this.list<Workload>(`${API}/namespaces/${this.api.namespace}/workloads`),
    ]);
    const pairs: Pair[] = [];
    for (const job of jobs.filter(({ metadata }) => metadata.deletionTimestamp === undefined)) {
      const known = workloads.find(({ metadata }) => metadata.labels?.[`${KUEUE_GROUP}/job-uid`] === job.metadata.uid);
      if (known === undefined && job.spec.suspend !== true) continue;
      pairs.push({ job, workload: known ?? (await this.createWorkload(job)) });
    }
    return pairs;
  }

  private async createWorkload(job: QueuedJob): Promise<Workload> {
    const { name, uid, labels } = job.metadata;
    const body = {
      apiVersion: `${KUEUE_GROUP}/${KUEUE_VERSION}`,
      kind: 'Workload',
      metadata: {
        name: `job-${name}`,
        labels: { [`${KUEUE_GROUP}/job-uid`]: uid },
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: {
        active: true,
        queueName: labels?.[QUEUE_LABEL],
        priority: await this.priorityOf(job),
        podSets: [{ name: 'main', count: 1, template: job.spec.template }],
      },
    };
    return this.api.call<Workload>({
      method: 'POST',
      path: `${API}/namespaces/${this.api.namespace}/workloads`,
      body,
    });
  }

  private async priorityOf({ spec }: QueuedJob): Promise<number> {
    const name = spec.template.spec.priorityClassName;
    if (name === undefined) return 0;
    return (await this.api.get<{ value: number }>(`/apis/scheduling.k8s.io/v1/priorityclasses/${name}`)).value;
  }

  /** A Workload whose Job has finished gives its quota back; one that was evicted waits again once its Job has no pod left. */
  private async settle(pair: Pair): Promise<void> {
    const { job, workload } = pair;
    if (isFinished(job)) {
      if (isTrue(workload, 'Finished')) return;
      await this.tell(workload, [condition('Finished', 'True', 'Succeeded', 'Job finished')], { admission: null });
      return;
    }
    if (!isTrue(workload, 'Evicted') || !isTrue(workload, 'QuotaReserved')) return;
    await this.stopJob(job);
    if ((job.status?.active ?? 0) > 0) return;
    const why = workload.status?.conditions?.find(({ type }) => type === 'Evicted')?.message ?? '';
    await this.tell(
      workload,
      [
        condition('QuotaReserved', 'False', 'Pending', why),
        condition('Admitted', 'False', 'NoReservation', 'The workload has no reservation'),
        condition('Requeued', 'True', 'Preempted', why),
      ],
      { admission: null, requeueState: { count: (workload.status?.requeueState?.count ?? 0) + 1 } },
    );
  }

  private async admit(queue: ClusterQueue, pairs: readonly Pair[]): Promise<void> {
    const holding = pairs.filter(({ job, workload }) => isTrue(workload, 'QuotaReserved') && !isFinished(job));
    for (const { job, workload } of holding)
      if (job.spec.suspend === true && !isTrue(workload, 'Evicted')) await this.resumeJob(job);
    const waiting = pairs
      .filter(({ job, workload }) => !isTrue(workload, 'QuotaReserved') && !isFinished(job))
      .sort((a, b) => b.workload.spec.priority - a.workload.spec.priority || byCreation(a, b));
    for (const pair of waiting) {
      const lacks = lackOf(queue, pair, holding);
      if (lacks === undefined) {
        await this.reserve(queue, pair);
        holding.push(pair);
        continue;
      }
      if (queue.spec.preemption?.withinClusterQueue === 'LowerPriority') await this.preemptFor(queue, pair, holding);
      const said = pair.workload.status?.conditions?.find(({ type }) => type === 'QuotaReserved')?.message;
      if (said !== lacks) await this.tell(pair.workload, [condition('QuotaReserved', 'False', 'Pending', lacks)]);
    }
  }

  private async reserve(queue: ClusterQueue, { job, workload }: Pair): Promise<void> {
    const clusterQueue = queue.metadata.name;
    const flavors = Object.fromEntries(
      (queue.spec.resourceGroups ?? []).flatMap(({ coveredResources, flavors: [first] }) =>
        coveredResources.map((name) => [name, first?.name ?? '']),
      ),
    );
    await this.tell(
      workload,
      [
        condition('QuotaReserved', 'True', 'QuotaReserved', `Quota reserved in ClusterQueue ${clusterQueue}`),
        condition('Admitted', 'True', 'Admitted', 'The workload is admitted'),
        ...['Evicted', 'Preempted'].flatMap((type) =>
          isTrue(workload, type) ? [condition(type, 'False', 'QuotaReserved', `Previously: ${type}`)] : [],
        ),
      ],
      { admission: { clusterQueue, podSetAssignments: [{ name: 'main', count: 1, flavors }] } },
    );
    await this.resumeJob(job);
  }

  /** Takes quota from workloads of lower priority, the lowest and youngest first, when that makes room. */
  private async preemptFor(queue: ClusterQueue, pair: Pair, holding: readonly Pair[]): Promise<void> {
    const { priority } = pair.workload.spec;
    const victims = holding
      .filter(({ workload }) => workload.spec.priority < priority && !isTrue(workload, 'Evicted'))
      .sort((a, b) => a.workload.spec.priority - b.workload.spec.priority || byCreation(b, a));
    const chosen: Pair[] = [];
    const left = () => holding.filter((each) => !chosen.includes(each) && !isTrue(each.workload, 'Evicted'));
    for (const victim of victims) {
      if (lackOf(queue, pair, left()) === undefined) break;
      chosen.push(victim);
    }
    if (lackOf(queue, pair, left()) !== undefined) return;
    const { uid } = pair.workload.metadata;
    for (const victim of chosen)
      await this.startEviction(
        victim,
        'Preempted',
        `Preempted to accommodate a workload (UID: ${uid}, JobUID: ${pair.job.metadata.uid}) due to prioritization in the ClusterQueue`,
      );
  }

  private async startEviction({ job, workload }: Pair, reason: string, message: string): Promise<void> {
    const preempted = reason === 'Preempted' ? [condition('Preempted', 'True', 'InClusterQueue', message)] : [];
    await this.tell(workload, [condition('Evicted', 'True', reason, message), ...preempted]);
    await this.stopJob(job);
  }

  /** In Kueue's order: suspend, then clear the start time, which only a suspended Job may lose. Kubernetes deletes the pods. */
  private async stopJob({ metadata, spec, status }: QueuedJob): Promise<void> {
    const path = pathOf(this.api, 'jobs', metadata.name);
    if (spec.suspend !== true) await this.patch(path, { spec: { suspend: true } });
    if (status?.startTime != null) await this.patch(`${path}/status`, { status: { startTime: null } });
  }

  private async resumeJob({ metadata }: QueuedJob): Promise<void> {
    const path = pathOf(this.api, 'jobs', metadata.name);
    await this.patch(path, { spec: { suspend: false } });
  }

  private async tell(workload: Workload, conditions: readonly Condition[], more: object = {}): Promise<void> {
    const told = conditions.map(({ type }) => type);
    const kept = (workload.status?.conditions ?? []).filter(({ type }) => !told.includes(type));
    const path = `${API}/namespaces/${this.api.namespace}/workloads/${workload.metadata.name}/status`;
    await this.patch(path, { status: { conditions: [...kept, ...conditions], ...more } });
  }

  private async patch(path: string, body: object): Promise<void> {
    await this.api.call({ method: 'PATCH', path, body }).catch((error: unknown) => {
      if (!(error instanceof ApiRefused) || error.status !== 404) throw error;
    });
  }

  private async list<T>(path: string, query?: Readonly<Record<string, string>>): Promise<readonly T[]> {
    return (await this.api.get<{ readonly items: readonly T[] }>(path, query)).items;
  }
}

/** What keeps a workload from its quota, in Kueue's words; undefined when it fits. */
function lackOf(queue: ClusterQueue, pair: Pair, holding: readonly Pair[]): string | undefined {
  const requests = requestsOf(pair.job);
  for (const { flavors } of queue.spec.resourceGroups ?? []) {
    for (const { name: flavor, resources } of flavors.slice(0, 1)) {
      for (const { name, nominalQuota } of resources) {
        const used = holding.reduce((sum, { job }) => sum + (requestsOf(job)[name] ?? 0), 0);
        const lack = used + (requests[name] ?? 0) - amountOf(nominalQuota);
        if (lack > 1e-9)
          return `couldn't assign flavors to pod set main: insufficient unused quota for ${name} in flavor ${flavor}, ${Number(lack.toFixed(3))} more needed`;
      }
    }
  }
  return undefined;
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string): Condition {
  return { type, status, reason, message, lastTransitionTime: new Date().toISOString() };
}

function byCreation(a: Pair, b: Pair): number {
  const [first = '', second = ''] = [a.job.metadata.creationTimestamp, b.job.metadata.creationTimestamp];
  return first < second ? -1 : first > second ? 1 : 0;
}
