import type { JobSpec } from '../../artifacts/job-spec.ts';
import { Latch } from '../latch.ts';
import type { ApiClient } from './api-client.ts';
import { pathOf } from './api-paths.ts';
import type { Job, Pod } from './cluster-objects.ts';
import { FittedShapes } from './fitted-shapes.ts';
import { JOB_NAME_LABEL, SHAPE, selectorOfStore } from './names-and-labels.ts';
import { ResourceMirror } from './resource-mirror.ts';

/** The Jobs and pods of one store as they are told to this worker, joined by the Job's name; wakes who waits for a job. */
export class ClusterMirror {
  private readonly jobMirror: ResourceMirror<Job>;
  private readonly podMirror: ResourceMirror<Pod>;
  private readonly latches = new Map<string, Latch<true>>();
  private readonly podsOfJobs = new Map<string, Map<string, Pod>>();
  private readonly fitted: FittedShapes;

  constructor(
    api: ApiClient,
    { id, path }: { readonly id: string; readonly path: string },
    onListed: () => void | Promise<void>,
  ) {
    const selector = selectorOfStore(id);
    this.fitted = new FittedShapes(path);
    this.jobMirror = new ResourceMirror(api, {
      path: pathOf(api, 'jobs'),
      selector,
      onChange: (job) => this.wake(job.metadata.name),
      onListed: () => void onListed(),
    });
    this.podMirror = new ResourceMirror(api, {
      path: pathOf(api, 'pods'),
      selector,
      onChange: (pod) => this.podChanged(pod),
    });
  }

  start(): void {
    this.jobMirror.start();
    this.podMirror.start();
  }

  async ready(ms: number): Promise<void> {
    await Promise.all([this.jobMirror.ready(ms), this.podMirror.ready(ms), this.fitted.load()]);
  }

  close(): void {
    this.jobMirror.close();
    this.podMirror.close();
    for (const name of [...this.latches.keys()]) this.wake(name);
  }

  /** A job as last told, while both watches are up; undefined when the server must be asked. */
  seen(name: string): { readonly job: Job; readonly pods: readonly Pod[] } | undefined {
    if (!this.jobMirror.isLive || !this.podMirror.isLive) return undefined;
    const job = this.jobMirror.get(name);
    return job && { job, pods: this.podsOf(name) };
  }

  jobs(): Iterable<Job> {
    return [...this.jobMirror.all()];
  }

  /** Pods of a job that are gone, in their last state: the only word on how they ended. */
  departedPods(name: string): Pod[] {
    return [...this.podMirror.gone()].filter((pod) => pod.metadata.labels?.[JOB_NAME_LABEL] === name);
  }

  /** Opens at the next change of the job. */
  latch(name: string): Latch<true> {
    const latch = this.latches.get(name) ?? new Latch();
    this.latches.set(name, latch);
    return latch;
  }

  /** True when a pod that asks for the same as this one has or had a node. */
  everFitted(spec: JobSpec): boolean {
    const shape = shapeOf(spec);
    return shape !== undefined && this.fitted.has(shape);
  }

  private podsOf(name: string): readonly Pod[] {
    return [...(this.podsOfJobs.get(name)?.values() ?? [])];
  }

  private podChanged(pod: Pod): void {
    const shape = pod.metadata.annotations?.[SHAPE];
    if (shape !== undefined && pod.spec.nodeName !== undefined) this.fitted.add(shape);
    const name = pod.metadata.labels?.[JOB_NAME_LABEL];
    if (name === undefined) return;
    const pods = this.podsOfJobs.get(name) ?? new Map<string, Pod>();
    if (this.podMirror.get(pod.metadata.name) === undefined) pods.delete(pod.metadata.name);
    else pods.set(pod.metadata.name, pod);
    if (pods.size === 0) this.podsOfJobs.delete(name);
    else this.podsOfJobs.set(name, pods);
    this.wake(name);
  }

  private wake(name: string): void {
    const latch = this.latches.get(name);
    this.latches.delete(name);
    latch?.open(true);
  }
}

function shapeOf({ manifest }: JobSpec): string | undefined {
  const job = manifest as
    | {
        readonly spec?: {
          readonly template?: { readonly metadata?: { readonly annotations?: Record<string, string> } };
        };
      }
    | undefined;
  return job?.spec?.template?.metadata?.annotations?.[SHAPE];
}
