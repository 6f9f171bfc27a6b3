import { chmod } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { LauncherUnreachable } from '../../src/jobs/job-launcher.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { KubernetesJobLauncher } from '../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { NEEDED_RIGHTS, type Right, rightFor } from '../../src/jobs/kubernetes/needed-rights.ts';
import { SPEC } from '../artifacts/support/stage-world.ts';
import { stop, until } from '../contract/job-launcher.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';
import { readApiAccess } from './api-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { WORKLOAD_IMAGE } from './kubernetes-world.ts';
import { apply, type KubernetesObject, objectsOfOverlay } from './overlay.ts';
import { storeVolume } from './store-volume.ts';

const NAMESPACE = 'lethe';
const ACCOUNT = 'lethe-worker';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

describe("the worker's Role in k8s/", () => {
  let cluster: Cluster;
  let temporary: TemporaryStore;
  let granted: string[];
  const launchers: KubernetesJobLauncher[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
    temporary = await temporaryStore();
    const objects: readonly (KubernetesObject & { readonly rules?: Rule[] })[] = await objectsOfOverlay(
      cluster,
      'test',
    );
    granted = objects.filter(({ kind }) => kind === 'Role').flatMap(({ rules = [] }) => rules.flatMap(grantsOf));
    // The worker itself has no server here; what it may do is tried with its account's token.
    const applied = objects.filter(({ kind }) => kind !== 'Deployment');
    await apply(cluster, [...applied, storeVolume(NAMESPACE, temporary.store.path)]);
  });
  afterEach(() => {
    for (const launcher of launchers.splice(0)) launcher.close();
  });
  afterAll(async () => {
    await cluster?.stop();
    await temporary?.remove();
  });

  /** A launcher with the rights of the worker's account, and what it asks for as `verb resource`. */
  async function asWorker(): Promise<{ launcher: KubernetesJobLauncher; used: Set<string> }> {
    const token = (await cluster.kubectl(['create', 'token', ACCOUNT, '--namespace', NAMESPACE])).trim();
    const { server, authority } = readApiAccess(cluster.kubeconfig);
    const headers = { authorization: `Bearer ${token}` };
    const connection = { server, namespace: NAMESPACE, requestOptions: async () => ({ ca: authority, headers }) };
    const used = new Set<string>();
    const api = new ApiClient(connection, {}, { asked: (call) => used.add(grantOf(rightFor(call))) });
    const settings = parseClusterSettings(
      {
        image: WORKLOAD_IMAGE,
        imagePullPolicy: 'Never',
        serviceAccount: 'lethe-trainer',
        store: { claim: 'lethe-store' },
        defaults: { graceSeconds: 1 },
      },
      'test',
    );
    const { id: storeId, path: storePath } = temporary.store;
    const launcher = new KubernetesJobLauncher({ api, settings, storeId, storePath });
    launchers.push(launcher);
    return { launcher, used };
  }

  async function job(launcher: KubernetesJobLauncher, ...args: string[]): Promise<JobSpec> {
    const spec = await temporary.job((attempt) => ['/workload', 'job', attempt.path, ...args]);
    await chmod(spec.attemptFolder, 0o777);
    const resources = { cores: 0.05, memoryBytes: 64 * 2 ** 20, gpus: 0 };
    return launcher.complete({ ...spec, resources }, { model: SPEC.model });
  }

  it('is what the life of jobs needs, verb for verb, and nothing more', async () => {
    const { launcher, used } = await asWorker();
    const stopped = await job(launcher, 'forever', '0', 'stops');
    const finished = await job(launcher, '0', '0', 'stops');
    for (const spec of [stopped, finished]) await launcher.launch(spec);
    await until(launcher, stopped, 'running');
    await stop(stopped);
    await launcher.cancel(stopped, 1_000);
    await until(launcher, finished, 'ended');
    expect(await launcher.platformEvidence(finished)).toMatchObject({ exitCode: 0 });
    await launcher.release(finished);
    expect([...used].sort()).toEqual([...granted].sort());
    expect(NEEDED_RIGHTS.map(grantOf).sort()).toEqual([...granted].sort());
  });

  it('reaches neither secrets nor the insides of pods', async () => {
    for (const [verb, resource] of [
      ['get', 'secrets'],
      ['create', 'pods'],
      ['create', 'pods/exec'],
      ['delete', 'pods'],
    ] as const) {
      const account = `--as=system:serviceaccount:${NAMESPACE}:${ACCOUNT}`;
      const asked = cluster.kubectl(['auth', 'can-i', verb, resource, account, '--namespace', NAMESPACE]);
      await expect(asked, `${verb} ${resource}`).rejects.toThrow(/ended with 1/);
    }
  });

  it('taken away, leaves a job that is neither over nor lost', async () => {
    const { launcher } = await asWorker();
    const spec = await job(launcher, 'forever', '0', 'stops');
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
    await cluster.kubectl(['delete', 'rolebinding', ACCOUNT, '--namespace', NAMESPACE]);
    const { launcher: blind } = await asWorker();
    await expect(blind.observe(spec)).rejects.toThrow(LauncherUnreachable);
    await expect(blind.observe(spec)).rejects.toThrow(/forbidden/);
  });
});

function grantsOf({ apiGroups, resources, verbs }: Rule): string[] {
  return resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroups[0]}/${resource}`));
}

function grantOf({ verb, group, resource }: Right): string {
  return `${verb} ${group}/${resource}`;
}
