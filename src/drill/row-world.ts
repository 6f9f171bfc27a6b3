import { setTimeout as sleep } from 'node:timers/promises';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';
import type { ApiClient } from '../jobs/kubernetes/api-client.ts';
import { pathOf } from '../jobs/kubernetes/api-paths.ts';
import { byAge, isOver, type Job, type Pod } from '../jobs/kubernetes/cluster-objects.ts';
import { selectorOfStore } from '../jobs/kubernetes/names-and-labels.ts';
import type { Lethe } from '../temporal/connection.ts';
import type { ClusterMeans } from './cluster-means.ts';
import type { DrillLauncher } from './drill-launcher.ts';
import type { DrillPlace } from './drill-store.ts';
import type { DrillSweep } from './drill-sweep.ts';
import type { WorkerProcess } from './row-worker.ts';
import type { StageTrace } from './stage-trace.ts';
import type { TroubledWay } from './troubled-way.ts';

const LOOK_MS = 50;

export interface RowParts {
  readonly sweep: DrillSweep;
  readonly place: DrillPlace;
  /** With the caller's own rights, and by no troubled way. */
  readonly api: ApiClient;
  readonly lethe: Lethe;
  readonly launcher: DrillLauncher;
  readonly way: TroubledWay;
  readonly means: ClusterMeans | undefined;
  readonly worker: WorkerProcess | undefined;
  /** Of the trainer, as the settings have it. */
  readonly image: string;
  /** Fires when the row is over, in whatever way. */
  readonly signal: AbortSignal;
}

/** The world of one row, as those see it who provoke its fault. */
export class RowWorld {
  readonly parts: RowParts;
  private struckAt: number | undefined;

  constructor(parts: RowParts) {
    this.parts = parts;
  }

  /** The fault comes now: from here the time to resume counts. */
  strike(): void {
    this.struckAt ??= Date.now();
  }

  get struckAtMs(): number | undefined {
    return this.struckAt;
  }

  /** Waits until the stage's files say so. Rejects when the row is over before. */
  async until(what: string, holds: (trace: StageTrace) => boolean): Promise<StageTrace> {
    for (;;) {
      const trace = await this.parts.place.trace();
      if (holds(trace)) return trace;
      if (this.parts.signal.aborted) throw new Error(`expected ${what} before the row was over; it never came`);
      await sleep(LOOK_MS);
    }
  }

  /** The stage is under way and would lose something. */
  firstCheckpoint(): Promise<StageTrace> {
    return this.until('a first checkpoint', ({ writers }) => writers.some(({ checkpointStep }) => checkpointStep > 0));
  }

  firstEvidence(): Promise<StageTrace> {
    return this.until('the evidence of the first attempt', ({ attempts }) => attempts[0]?.over === true);
  }

  /** The newest pod that runs. */
  async pod(): Promise<Pod> {
    const { items } = await this.parts.api.get<{ items: Pod[] }>(this.path('pods'), this.ours());
    const pod = byAge(items.filter((each) => !isOver(each))).at(-1);
    if (pod === undefined) throw new Error('expected a pod at work, the cluster has none of this row');
    return pod;
  }

  async job(): Promise<Job> {
    const { items } = await this.parts.api.get<{ items: Job[] }>(this.path('jobs'), this.ours());
    const job = items.at(-1);
    if (job === undefined) throw new Error('expected a Job, the cluster has none of this row');
    return job;
  }

  async delete(kind: 'pods' | 'jobs', name: string, options: object = {}): Promise<void> {
    await this.parts.api.call({ method: 'DELETE', path: `${this.path(kind)}/${name}`, body: options });
  }

  /** Of pods or jobs in the namespace. */
  path(kind: 'pods' | 'jobs'): string {
    return pathOf(this.parts.api, kind);
  }

  /** The means of who owns the cluster; rows that need them are not run without. */
  get means(): ClusterMeans {
    const { means } = this.parts;
    if (means === undefined) throw new Error('expected the means of who owns the cluster, got none');
    return means;
  }

  get workflowId(): string {
    return stageWorkflowId(this.parts.place.storeId, this.parts.sweep.stage);
  }

  private ours(): Readonly<Record<string, string>> {
    return { labelSelector: selectorOfStore(this.parts.place.storeId) };
  }
}
