import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { clusterSetup } from '../../src/activities/cluster-setup.ts';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { type ClusterSettings, parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../../src/jobs/kubernetes/connect-to-cluster.ts';
import { KubernetesJobLauncher } from '../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { SPEC } from '../artifacts/support/stage-world.ts';
import { stop, until } from '../contract/job-launcher.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { WORKLOAD_IMAGE } from './kubernetes-world.ts';
import { apply, objectsOfOverlay, settingsIn, withoutWorker } from './overlay.ts';
import { storeVolume } from './store-volume.ts';

/** Each node claims two devices that it does not have: what the scheduler does with them, and nothing that a GPU does. */
describe('scheduling by k8s/overlays/gpu', () => {
  let cluster: Cluster;
  let temporary: TemporaryStore;
  let launcher: KubernetesJobLauncher;
  let settings: ClusterSettings;
  beforeAll(async () => {
    cluster = await startCluster({ gpus: 2 });
    temporary = await temporaryStore();
    settings = await install();
    const api = new ApiClient(await connectToCluster({ kubeconfig: cluster.kubeconfig, namespace: 'lethe' }));
    const { id: storeId, path: storePath } = temporary.store;
    launcher = new KubernetesJobLauncher({ api, settings, storeId, storePath });
  });
  afterAll(async () => {
    launcher?.close();
    await cluster?.stop();
    await temporary?.remove();
  });

  /** Everything of the overlay but the running worker; returns the settings in its ConfigMap, with an image that is there. */
  async function install(): Promise<ClusterSettings> {
    const objects = await objectsOfOverlay(cluster, 'gpu');
    withoutWorker(objects);
    // Where GPU nodes have this class it brings NVIDIA's runtime; here it is the ordinary one under that name.
    const runtime = {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'nvidia' },
      handler: 'runc',
    };
    await apply(cluster, [runtime, storeVolume('lethe', temporary.store.path), ...objects]);
    const here = { image: WORKLOAD_IMAGE, imagePullPolicy: 'Never' };
    return parseClusterSettings({ ...(parse(settingsIn(objects)) as object), ...here }, 'cluster.yaml of the overlay');
  }

  async function job(): Promise<JobSpec> {
    const made = await temporary.job((attempt) => ['/workload', 'job', attempt.path, 'forever', '0', 'stops']);
    await chmod(made.attemptFolder, 0o777);
    const { gpus } = clusterSetup(SPEC, {}, settings).resources;
    // The machine of this test is smaller than a GPU node: only the devices are the overlay's.
    return launcher.complete(
      { ...made, resources: { cores: 0.05, memoryBytes: 64 * 2 ** 20, gpus } },
      { model: SPEC.model },
    );
  }

  it('gives each job its device, and lets the next one wait until one is free', async () => {
    const [first, second, third] = [await job(), await job(), await job()];
    for (const each of [first, second]) {
      await launcher.launch(each);
      await until(launcher, each, 'running');
    }
    const asked = await cluster.kubectl([
      ...['get', 'pods', '--namespace', 'lethe', '--selector=app.kubernetes.io/managed-by=lethe', '--output'],
      'jsonpath={range .items[*]}{.spec.runtimeClassName} {.spec.containers[0].resources.limits.nvidia\\.com/gpu}{"\\n"}{end}',
    ]);
    expect(asked.trim().split('\n')).toEqual(['nvidia 1', 'nvidia 1']);
    await launcher.launch(third);
    // Without a kind: such a place exists, it is taken, so the wait has no limit.
    await expect
      .poll(() => launcher.observe(third), { timeout: 30_000 })
      .toEqual({ state: 'starting', reason: expect.stringContaining('Insufficient nvidia.com/gpu') });
    await stop(first);
    await launcher.cancel(first, 0);
    await until(launcher, third, 'running');
  });
});
