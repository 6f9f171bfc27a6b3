import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { isFinished, type Job } from '../../src/jobs/kubernetes/cluster-objects.ts';
import { QUEUE_LABEL } from '../../src/jobs/kubernetes/names-and-labels.ts';
import type { Cluster } from './cluster.ts';

const LOOK_MS = 100;
const GROUP = 'kueue.x-k8s.io';

/**
 * Does to real Jobs on the real API server what Kueue's documentation says that it does, and no more: Jobs with a queue label that are suspended get a Workload
 * (group and version of Kueue's, by a minimal definition), wait with `QuotaReserved` False, and are let go in the order of their creation, so many at a time.
 */
export class QueueStandIn {
  private readonly api: ApiClient;
  private readonly slots: number;
  private readonly over = new AbortController();
  private readonly told = new Set<string>();
  private readonly running: Promise<void>;

  constructor(api: ApiClient, slots: number) {
    this.api = api;
    this.slots = slots;
    this.running = this.run();
  }

  /** Once a cluster, before any queue. */
  static async define(cluster: Cluster): Promise<void> {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: `workloads.${GROUP}`,
        annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in for tests' },
      },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names: { kind: 'Workload', plural: 'workloads', singular: 'workload' },
        versions: [{ name: 'v1beta2', served: true, storage: true, schema }],
      },
    };
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(definition));
    await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', `crd/workloads.${GROUP}`]);
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.over.signal.aborted) {
      // A server that cannot be asked now is asked again.
      await this.look().catch(() => undefined);
      await sleep(LOOK_MS, undefined, { signal: this.over.signal }).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${this.api.namespace}/jobs`;
    const { items } = await this.api.get<{ items: Job[] }>(path, { labelSelector: QUEUE_LABEL });
    const open = items.filter((job) => !isFinished(job) && job.metadata.deletionTimestamp === undefined);
    let free = this.slots - open.filter((job) => job.spec.suspend !== true).length;
    const waiting = open.filter((job) => job.spec.suspend === true);
    const since = (job: Job) => job.metadata.creationTimestamp ?? '';
    for (const job of waiting.sort((a, b) => (since(a) < since(b) ? -1 : 1))) {
      if (free > 0)
        await this.api.call({
          method: 'PATCH',
          path: `${path}/${job.metadata.name}`,
          body: { spec: { suspend: false } },
        });
      else await this.tell(job);
      free -= 1;
    }
  }

  private async tell({ metadata: { name, uid } }: Job): Promise<void> {
    if (this.told.has(uid)) return;
    this.told.add(uid);
    const message = `all ${this.slots} slots are taken`;
    await this.api.call({
      method: 'POST',
      path: `/apis/${GROUP}/v1beta2/namespaces/${this.api.namespace}/workloads`,
      body: {
        apiVersion: `${GROUP}/v1beta2`,
        kind: 'Workload',
        metadata: { name: `job-${name}`, labels: { [`${GROUP}/job-uid`]: uid } },
        status: { conditions: [{ type: 'QuotaReserved', status: 'False', reason: 'Pending', message }] },
      },
    });
  }
}
