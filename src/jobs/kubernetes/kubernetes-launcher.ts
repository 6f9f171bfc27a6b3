import { join } from 'node:path';
import { readLaunched } from '../../artifacts/attempt-folder.ts';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { isLocal, type LaunchedInCluster } from '../../artifacts/launched.ts';
import { BadFile, publishJson } from '../../artifacts/read-json.ts';
import { replaceFile } from '../../artifacts/replace-file.ts';
import { launchedSchema } from '../../artifacts/schemas.ts';
import { statOf } from '../../artifacts/small-files.ts';
import {
  type JobLauncher,
  JobNameTaken,
  type JobObservation,
  JobRefused,
  type JobWishes,
  LauncherUnreachable,
  type PlatformEvidence,
} from '../job-launcher.ts';
import type { Latch } from '../latch.ts';
import { type ApiClient, ApiRefused } from './api-client.ts';
import { pathOf } from './api-paths.ts';
import { ClusterMirror } from './cluster-mirror.ts';
import { byAge, type ClusterEvent, isComplete, isFinished, isOver, type Job, type Pod } from './cluster-objects.ts';
import { type ClusterSettings, scaleOf } from './cluster-settings.ts';
import { hashOf, jobManifest, type Manifest } from './job-manifest.ts';
import { jobState, lostReason, podState, type StateFacts, sentence } from './job-state.ts';
import { ATTEMPT_FOLDER, SPEC_HASH } from './names-and-labels.ts';
import { podEvidence } from './pod-evidence.ts';
import { podsOfJob } from './pods-of-job.ts';
import { QueueState } from './queue-state.ts';
import { SharedList } from './shared-list.ts';

export interface KubernetesLauncherOptions {
  readonly api: ApiClient;
  readonly settings: ClusterSettings;
  readonly storeId: string;
  /** The store's folder here and, since the volume is mounted at the same place, in every job. */
  readonly storePath: string;
}

/** A look at a job that is being stopped. */
const STOP_LOOK_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** Before a deletion: the last state of a pod is only told to who watches. */
const MIRROR_READY_MS = 5_000;
/** For the first list of all jobs; those that it lacks, and all when it does not come, are read one by one. */
const FIRST_LIST_MS = 2_000;
/** A pod that is not up by then has something to say. */
const SLOW_START_MS = 10_000;
const LOG_LINES = 2_000;
const LOG_BYTES = 2 ** 20;

/**
 * Jobs as Kubernetes Jobs, one for each attempt. The API server is the truth: the mirror answers only for jobs that it sees at work, and every end is read from
 * the server. In order: POST under a name made from the key → launched.json with the Job's uid (from then on an absent Job is lost) → the Job's own end → evidence.
 */
export class KubernetesJobLauncher implements JobLauncher {
  readonly kind = 'kubernetes';
  private readonly api: ApiClient;
  private readonly settings: ClusterSettings;
  private readonly storePath: string;
  private readonly mirror: ClusterMirror;
  private readonly queue: QueueState;
  private readonly warnings: SharedList<ClusterEvent>;
  /** What was on its way when a job was last looked at, so that no change between the look and the wait is missed. */
  private readonly looks = new Map<string, Latch<true>>();

  constructor({ api, settings, storeId, storePath }: KubernetesLauncherOptions) {
    this.api = api;
    this.settings = settings;
    this.storePath = storePath;
    this.mirror = new ClusterMirror(api, { id: storeId, path: storePath }, () => this.releaseLeftBehind());
    this.queue = new QueueState(api);
    this.warnings = new SharedList<ClusterEvent>(api, {
      path: pathOf(api, 'events'),
      query: { fieldSelector: 'type=Warning' },
      keyOf: ({ involvedObject }) => involvedObject?.name,
    });
  }

  complete(spec: JobSpec, { model, checkpoint, avoidNode, image = this.settings.image, queue }: JobWishes): JobSpec {
    const { storePath } = this;
    const settings = { ...this.settings, image };
    const scale = { ...scaleOf(settings, model), ...(queue !== undefined && { queue }) };
    const { namespace } = this.api;
    const request = {
      spec,
      namespace,
      settings,
      scale,
      storePath,
      ...(checkpoint && { checkpoint }),
      ...(avoidNode !== undefined && { avoidNode }),
    };
    return { ...spec, manifest: jobManifest(request) };
  }

  async launch(spec: JobSpec): Promise<void> {
    const manifest = manifestOf(spec);
    if ((await this.launchedOf(spec)) !== undefined || (await isStopped(spec))) return;
    this.mirror.start();
    const job = await this.create(spec, manifest);
    if (job.metadata.annotations?.[SPEC_HASH] !== hashOf(manifest)) {
      const theirs = job.metadata.annotations?.[ATTEMPT_FOLDER] ?? 'not made by Lethe';
      throw new JobNameTaken(
        `Job ${this.api.namespace}/${spec.name}: expected the one of ${spec.attemptFolder}, got another of that name (${theirs})`,
      );
    }
    const launched: LaunchedInCluster = {
      format: 'lethe-launched/1',
      jobUid: job.metadata.uid,
      launchedAt: job.metadata.creationTimestamp ?? new Date().toISOString(),
    };
    await publishJson(join(spec.attemptFolder, 'launched.json'), launched, launchedSchema);
  }

  async observe(spec: JobSpec): Promise<JobObservation> {
    // A worker that takes up thousands of jobs reads them in one list, not one by one.
    await this.mirror.ready(FIRST_LIST_MS);
    this.looks.set(spec.name, this.mirror.latch(spec.name));
    const manifest = manifestOf(spec);
    const launched = await this.launchedOf(spec);
    const stopped = await isStopped(spec);
    const mirrored = stopped ? undefined : this.mirror.seen(spec.name);
    if (mirrored !== undefined && mirrored.job.metadata.uid === launched?.jobUid) {
      const seen = await this.stateOf(spec, mirrored.job, mirrored.pods);
      if (seen.state !== 'ended' && seen.state !== 'lost') return seen;
    }
    const { job, pods } = await this.read(spec);
    if (job !== undefined && isOurs(job, manifest)) return this.stateOf(spec, job, pods);
    // Without its Job a pod may still be at work for a while.
    const pod = byAge(pods).findLast((each) => !isOver(each));
    if (pod !== undefined && lostReason(pod, this.facts(spec)) === undefined) return podState(pod, { fits: true });
    if (stopped) return { state: 'ended' };
    if (launched === undefined) return { state: 'queued', reason: 'not launched yet' };
    return {
      state: 'lost',
      reason:
        job === undefined
          ? `the cluster does not know Job ${spec.name} any more: it was deleted`
          : `another Job has the name ${spec.name} now`,
    };
  }

  async waitForChange(spec: JobSpec, maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    this.mirror.start();
    const latch = this.looks.get(spec.name) ?? this.mirror.latch(spec.name);
    this.looks.delete(spec.name);
    await latch.wait(maxWaitMs, signal);
  }

  /** The grace stands in the pod since it was made; `graceMs` is for platforms that can still choose it. */
  async cancel(spec: JobSpec, _graceMs: number): Promise<void> {
    const manifest = manifestOf(spec);
    await this.mirror.ready(MIRROR_READY_MS);
    for (let step = STOP_LOOK_MS; ; ) {
      const changed = this.mirror.latch(spec.name);
      try {
        if (await this.isGone(spec, manifest)) return;
        step = STOP_LOOK_MS;
      } catch (error) {
        // The wish stands until somebody can hear it: a job that is taken for stopped while it runs would be worse than a wait.
        if (!(error instanceof LauncherUnreachable)) throw error;
        step = Math.min(2 * step, LONGEST_PAUSE_MS);
      }
      await changed.wait(step);
    }
  }

  async platformEvidence(spec: JobSpec): Promise<PlatformEvidence> {
    const { job, pods } = await this.read(spec);
    const ours = job !== undefined && isOurs(job, manifestOf(spec)) ? job : undefined;
    const all = this.withDeparted(spec, pods);
    const events = await this.eventsOf([spec.name, ...all.map(({ metadata }) => metadata.name)]);
    await this.keepLog(spec, pods);
    return podEvidence({ job: ours, pods: all, events, stopped: await isStopped(spec) });
  }

  async release(spec: JobSpec): Promise<void> {
    this.looks.delete(spec.name);
    const job = await this.api.find<Job>(this.jobPath(spec.name));
    if (job !== undefined && isOurs(job, manifestOf(spec))) await this.letGo(job);
  }

  /** Lets go of everything; jobs run on. */
  close(): void {
    this.mirror.close();
  }

  private async create(spec: JobSpec, manifest: Manifest): Promise<Job> {
    const path = pathOf(this.api, 'jobs');
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.api.call<Job>({ method: 'POST', path, query: { fieldManager: 'lethe' }, body: manifest });
      } catch (error) {
        if (!(error instanceof ApiRefused)) throw error;
        if (error.status === 404)
          throw new LauncherUnreachable(`${error.message}; is there a namespace ${this.api.namespace}?`);
        if (error.status === 400 || error.status === 422) throw new JobRefused(`Job ${spec.name}: ${error.message}`);
        if (error.status !== 409) throw error;
        // An earlier POST of ours may have got through though its answer did not.
        const there = await this.api.find<Job>(`${path}/${spec.name}`);
        if (there !== undefined) return there;
        if (tries > 1) throw new LauncherUnreachable(`Job ${spec.name} is said to exist and is not there`);
      }
    }
  }

  /** One step of a stop: asks for what is still there. True when neither Job nor pod is left that could go on. */
  private async isGone(spec: JobSpec, manifest: Manifest): Promise<boolean> {
    const { job, pods } = await this.read(spec);
    const ours = job !== undefined && isOurs(job, manifest) ? job : undefined;
    if (ours !== undefined && isFinished(ours)) return true;
    if (ours !== undefined && ours.metadata.deletionTimestamp === undefined) await this.remove(ours);
    const facts = this.facts(spec);
    return ours === undefined && pods.every((pod) => isOver(pod) || lostReason(pod, facts) !== undefined);
  }

  private async read({ name }: JobSpec): Promise<{ readonly job: Job | undefined; readonly pods: readonly Pod[] }> {
    const [job, pods] = await Promise.all([this.api.find<Job>(this.jobPath(name)), podsOfJob(this.api, name)]);
    return { job, pods };
  }

  private async stateOf(spec: JobSpec, job: Job, pods: readonly Pod[]): Promise<JobObservation> {
    const state = jobState(job, pods, this.facts(spec));
    if (state.state === 'queued') {
      const reason = await this.queue.reasonOf(job);
      return { state: 'queued', reason };
    }
    if (state.state !== 'starting' || state.kind !== undefined) return state;
    return { ...state, reason: await this.startingReason(spec, pods, state.reason) };
  }

  /** What only events tell: quotas and admission refuse pods, not Jobs; a volume that cannot be mounted keeps a pod at its creation. */
  private async startingReason(spec: JobSpec, pods: readonly Pod[], reason: string): Promise<string> {
    const pod = byAge(pods).at(-1);
    if (pod === undefined) {
      const refusal = (await this.warnings.about(spec.name)).findLast((event) => event.reason === 'FailedCreate');
      return refusal?.message ?? reason;
    }
    const age = Date.now() - Date.parse(pod.metadata.creationTimestamp ?? '');
    if (pod.spec.nodeName === undefined || !(age > SLOW_START_MS)) return reason;
    const warning = (await this.warnings.about(pod.metadata.name)).at(-1);
    return warning === undefined ? reason : sentence(reason, sentence(warning.reason ?? 'Warning', warning.message));
  }

  private facts(spec: JobSpec): StateFacts {
    const { terminationGracePeriodSeconds = 30 } = podSpecOf(spec);
    return {
      now: Date.now(),
      nodeLostMs: this.settings.nodeLostSeconds * 1_000,
      graceMs: terminationGracePeriodSeconds * 1_000,
      fits: this.mirror.everFitted(spec),
    };
  }

  private withDeparted({ name }: JobSpec, pods: readonly Pod[]): Pod[] {
    const there = new Set(pods.map(({ metadata }) => metadata.uid));
    return [...this.mirror.departedPods(name).filter(({ metadata }) => !there.has(metadata.uid)), ...pods];
  }

  private async eventsOf(names: readonly string[]): Promise<readonly ClusterEvent[]> {
    const path = pathOf(this.api, 'events');
    const lists = await Promise.all(
      names.map((name) =>
        this.api.get<{ items: ClusterEvent[] }>(path, { fieldSelector: `involvedObject.name=${name}`, limit: '100' }),
      ),
    );
    return lists.flatMap(({ items }) => items);
  }

  /** The log lives as long as its pod. What cannot be had is not worth a failure: the trainer's last words are in its outcome. */
  private async keepLog(spec: JobSpec, pods: readonly Pod[]): Promise<void> {
    const pod = byAge(pods).at(-1);
    if (pod?.spec.nodeName === undefined) return;
    const path = `${pathOf(this.api, 'pods', pod.metadata.name)}/log`;
    const query = { container: 'trainer', tailLines: String(LOG_LINES), limitBytes: String(LOG_BYTES) };
    try {
      const text = await this.api.call<string>({ method: 'GET', path, query, answer: 'text' });
      await replaceFile(join(spec.attemptFolder, 'log.txt'), text);
    } catch (error) {
      if (!(error instanceof LauncherUnreachable)) throw error;
    }
  }

  private async isComplete(name: string): Promise<boolean> {
    return isComplete(this.mirror.seen(name)?.pods ?? (await podsOfJob(this.api, name)));
  }

  /** Finished, or about to be: its time to live is set. Not finished: its attempt is over without it, and a node that comes back must not find it. */
  private async letGo(job: Job): Promise<void> {
    if (!isFinished(job) && !(await this.isComplete(job.metadata.name))) return this.remove(job);
    if (job.spec.ttlSecondsAfterFinished !== undefined) return;
    const path = this.jobPath(job.metadata.name);
    const body = { spec: { ttlSecondsAfterFinished: this.settings.keptSeconds } };
    await this.api.call({ method: 'PATCH', path, body }).catch(ignoreAbsent);
  }

  private async remove(job: Job): Promise<void> {
    const body = { propagationPolicy: 'Background', preconditions: { uid: job.metadata.uid } };
    await this.api.call({ method: 'DELETE', path: this.jobPath(job.metadata.name), body }).catch(ignoreAbsent);
  }

  /** Jobs whose worker died between evidence.json and their release. */
  private async releaseLeftBehind(): Promise<void> {
    for (const job of this.mirror.jobs()) {
      const folder = job.metadata.annotations?.[ATTEMPT_FOLDER];
      if (job.spec.ttlSecondsAfterFinished !== undefined || !folder?.startsWith(`${this.storePath}/`)) continue;
      if ((await statOf(join(folder, 'evidence.json'))) !== undefined) await this.letGo(job).catch(() => undefined);
    }
  }

  private async launchedOf(spec: JobSpec): Promise<LaunchedInCluster | undefined> {
    let launched: Awaited<ReturnType<typeof readLaunched>>;
    try {
      launched = await readLaunched(spec.attemptFolder);
      if (launched === undefined && (await statOf(spec.attemptFolder)) === undefined) {
        throw new LauncherUnreachable(
          `${spec.attemptFolder}: expected the folder of a launched attempt, got nothing; is the store there?`,
        );
      }
    } catch (error) {
      if (error instanceof BadFile || error instanceof LauncherUnreachable) throw error;
      throw new LauncherUnreachable(`${spec.attemptFolder} cannot be read: ${error}`, { cause: error });
    }
    if (launched !== undefined && isLocal(launched)) throw ofThisMachine(spec);
    return launched;
  }

  private jobPath(name: string): string {
    return pathOf(this.api, 'jobs', name);
  }
}

function manifestOf(spec: JobSpec): Manifest {
  if (spec.manifest === undefined) throw ofThisMachine(spec);
  return spec.manifest;
}

function podSpecOf(spec: JobSpec): { readonly terminationGracePeriodSeconds?: number } {
  const manifest = spec.manifest as
    | {
        readonly spec?: { readonly template?: { readonly spec?: { readonly terminationGracePeriodSeconds?: number } } };
      }
    | undefined;
  return manifest?.spec?.template?.spec ?? {};
}

/** Its process may run on a machine that this launcher cannot see: nothing is concluded and nothing started. */
function ofThisMachine(spec: JobSpec): Error {
  return new JobNameTaken(
    `${spec.attemptFolder}: expected an attempt made for a cluster, got one of local processes: "lethe retry" begins another there, once no process of it runs on its machine`,
  );
}

function isOurs(job: Job, manifest: Manifest): boolean {
  return job.metadata.annotations?.[SPEC_HASH] === hashOf(manifest);
}

async function isStopped(spec: JobSpec): Promise<boolean> {
  return (await statOf(join(spec.attemptFolder, 'stop.json'))) !== undefined;
}

/** Gone meanwhile, or replaced by another of the name: both are what was wanted. */
function ignoreAbsent(error: unknown): void {
  if (!(error instanceof ApiRefused) || (error.status !== 404 && error.status !== 409)) throw error;
}
