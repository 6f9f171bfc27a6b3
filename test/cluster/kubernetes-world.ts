import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import type { Pod } from '../../src/jobs/kubernetes/cluster-objects.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../../src/jobs/kubernetes/connect-to-cluster.ts';
import { KubernetesJobLauncher } from '../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { podsOfJob } from '../../src/jobs/kubernetes/pods-of-job.ts';
import { SPEC } from '../artifacts/support/stage-world.ts';
import { type LauncherWorld, type ProgramPlan, until } from '../contract/job-launcher.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';
import type { Cluster } from './cluster.ts';
import { KueueController } from './kueue/kueue-controller.ts';
import { podQueue } from './kueue/pod-queue.ts';
import { CLAIM, makeTrainingNamespace, removeTrainingNamespace } from './training-namespace.ts';

export const WORKLOAD_IMAGE = 'localhost/lethe-test/workload:1';
const MEBIBYTE = 2 ** 20;
let worlds = 0;

export interface KubernetesWorldOptions {
  /** Jobs at once, by a queue; all at once when absent. */
  readonly slots?: number;
  /** Further settings of the cluster. */
  readonly settings?: object;
}

/** A namespace of a test cluster with a store of its own, in which jobs run the `workload` program. */
export class KubernetesWorld implements LauncherWorld {
  readonly recordedAtLaunch = true;
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly temporary: TemporaryStore;
  readonly api: ApiClient;
  private readonly settings: object;
  private readonly queue: KueueController | undefined;
  private readonly launchers: KubernetesJobLauncher[] = [];

  private constructor(
    cluster: Cluster,
    namespace: string,
    temporary: TemporaryStore,
    api: ApiClient,
    options: KubernetesWorldOptions,
  ) {
    const { slots, settings } = options;
    this.cluster = cluster;
    this.namespace = namespace;
    this.temporary = temporary;
    this.api = api;
    this.queue = slots === undefined ? undefined : new KueueController(api);
    this.settings = {
      image: WORKLOAD_IMAGE,
      imagePullPolicy: 'Never',
      store: { claim: CLAIM },
      ...settings,
      defaults: { graceSeconds: 1, ...(slots === undefined ? {} : { queue: 'slots' }), ...defaultsOf(settings) },
    };
  }

  static async create(cluster: Cluster, options: KubernetesWorldOptions = {}): Promise<KubernetesWorld> {
    worlds += 1;
    const namespace = `world-${worlds}`;
    const temporary = await temporaryStore();
    await makeTrainingNamespace(cluster, namespace, temporary.store.path);
    const { slots } = options;
    if (slots !== undefined) await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(podQueue(namespace, slots)));
    const api = new ApiClient(await connectToCluster({ kubeconfig: cluster.kubeconfig, namespace }));
    return new KubernetesWorld(cluster, namespace, temporary, api, options);
  }

  launcher(): KubernetesJobLauncher {
    const { store } = this.temporary;
    const settings = parseClusterSettings(this.settings, 'test');
    const launcher = new KubernetesJobLauncher({ api: this.api, settings, storeId: store.id, storePath: store.path });
    this.launchers.push(launcher);
    return launcher;
  }

  job({ exitCode, afterMs = 0, ignoresStop = false }: ProgramPlan): Promise<JobSpec> {
    return this.command((folder) => [
      ...['job', folder, String(exitCode ?? 'forever'), String(afterMs)],
      ignoresStop ? 'ignores' : 'stops',
    ]);
  }

  /** A job that runs `workload` with these arguments. */
  async command(args: (attemptFolder: string) => readonly string[], memoryBytes = 64 * MEBIBYTE): Promise<JobSpec> {
    return this.launcher().complete(await this.bare(args, memoryBytes), { model: SPEC.model });
  }

  async foreign(spec: JobSpec): Promise<JobSpec> {
    const bare = await this.bare((folder) => ['job', folder, 'forever', '0', 'stops'], 64 * MEBIBYTE);
    return this.launcher().complete({ ...bare, name: spec.name }, { model: SPEC.model });
  }

  async starts(spec: JobSpec): Promise<number> {
    const text = await readFile(join(spec.attemptFolder, 'starts'), 'utf8').catch(() => '');
    return text.split('\n').length - 1;
  }

  async kill(spec: JobSpec): Promise<void> {
    const { metadata, spec: place } = await this.pod(spec);
    const node = this.cluster.node(Number(place.nodeName?.slice(1)));
    const find = `for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ | grep -q '^POD_UID=${metadata.uid}$' && kill -9 "\${p#/proc/}"; done`;
    // Processes come and go while it looks.
    await node.run('sh', '-c', `{ ${find}; } 2>/dev/null; :`);
  }

  async race(spec: JobSpec): Promise<void> {
    const workers = [this.launcher(), this.launcher(), this.launcher()];
    await Promise.all(
      workers.map(async (launcher) => {
        await launcher.launch(spec);
        await until(launcher, spec, 'ended');
      }),
    );
  }

  /** The cluster forgets all that it had. */
  async reboot(): Promise<void> {
    await this.kubectl('delete', 'jobs', '--all', '--cascade=foreground', '--timeout=30s');
  }

  async breakDown() {
    await this.cluster.controlPlane.stop('api-bridge');
    return { mend: () => this.cluster.controlPlane.start('api-bridge') };
  }

  /** The newest pod of a job. */
  async pod(spec: JobSpec): Promise<Pod> {
    const items = await podsOfJob(this.api, spec.name);
    const pod = items
      .toSorted((a, b) => (a.metadata.creationTimestamp! < b.metadata.creationTimestamp! ? -1 : 1))
      .at(-1);
    if (pod === undefined) throw new Error(`expected ${spec.name} to have a pod, it has none`);
    return pod;
  }

  kubectl(...args: string[]): Promise<string> {
    return this.cluster.kubectl(['--namespace', this.namespace, ...args]);
  }

  async close(): Promise<void> {
    for (const launcher of this.launchers) launcher.close();
    await this.queue?.stop();
    await removeTrainingNamespace(this.cluster, this.namespace);
    await this.temporary.remove();
  }

  private async bare(args: (attemptFolder: string) => readonly string[], memoryBytes: number): Promise<JobSpec> {
    const spec = await this.temporary.job((attempt) => ['/workload', ...args(attempt.path)]);
    // The worker of this test is root, its jobs are nobody in particular.
    await chmod(spec.attemptFolder, 0o777);
    return { ...spec, resources: { cores: 0.05, memoryBytes, gpus: 0 } };
  }
}

function defaultsOf(settings: object | undefined): object {
  return (settings as { readonly defaults?: object } | undefined)?.defaults ?? {};
}
