import { describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import { workloadJob } from './workload-job.ts';

/** Clusters that lose parts are not shared: what a test took away must not be missing in the next. */
async function setup() {
  const cluster = await startCluster({ nodes: 2, fast: true });
  const nodeIs = (name: string, ready: string) =>
    cluster.kubectl(['wait', `node/${name}`, `--for=condition=Ready=${ready}`, '--timeout=60s']);
  return { cluster, nodeIs, [Symbol.asyncDispose]: () => cluster.stop() };
}

describe('what can befall a cluster', () => {
  it('loses a node without power, and has it back', async () => {
    await using world = await setup();
    await world.cluster.node(2).kill();
    await world.nodeIs('n2', 'Unknown');
    await world.cluster.node(2).start();
    await world.nodeIs('n2', 'True');
  });

  it('loses a node whose network was cut while its pod runs on, and the pod is given up', async () => {
    await using world = await setup();
    const { cluster, nodeIs } = world;
    const manifest = workloadJob({
      name: 'cut-off',
      namespace: 'default',
      args: ['wait', '600'],
      nodeSelector: { 'kubernetes.io/hostname': 'n2' },
    });
    await cluster.kubectl(['create', '-f', '-'], manifest);
    await cluster.kubectl(['wait', '--for=jsonpath={.status.ready}=1', '--timeout=60s', 'job/cut-off']);
    await cluster.node(2).netDown();
    await nodeIs('n2', 'Unknown');
    await cluster.kubectl(['wait', 'pod', '--all', '--for=condition=DisruptionTarget', '--timeout=60s']);
    expect(await cluster.node(2).run('ps', '-eo', 'args')).toContain('/workload wait 600');
    await cluster.node(2).netUp();
    await nodeIs('n2', 'True');
  });

  it('loses a kubelet, and has it back', async () => {
    await using world = await setup();
    await world.cluster.node(1).stopService('kubelet');
    await world.nodeIs('n1', 'Unknown');
    await world.cluster.node(1).startService('kubelet');
    await world.nodeIs('n1', 'True');
  });

  it('is out of reach for its clients while the bridge is gone, and answers at the same address afterwards', async () => {
    await using world = await setup();
    const { cluster } = world;
    await cluster.controlPlane.stop('api-bridge');
    await expect(cluster.kubectl(['get', 'nodes', '--request-timeout=5s'])).rejects.toThrow(/refused/);
    await cluster.controlPlane.start('api-bridge');
    await expect.poll(() => cluster.kubectl(['get', '--raw', '/readyz'])).toBe('ok');
  });

  it('keeps its clients waiting while the API server stands still', async () => {
    await using world = await setup();
    const { cluster } = world;
    await cluster.controlPlane.pause('kube-apiserver');
    await expect(cluster.kubectl(['get', 'nodes', '--request-timeout=2s'])).rejects.toThrow(/[Tt]imeout/);
    await cluster.controlPlane.cont('kube-apiserver');
    await expect.poll(() => cluster.kubectl(['get', '--raw', '/readyz']), { timeout: 20_000 }).toBe('ok');
  });

  it('refuses a command that it does not know', async () => {
    await using world = await setup();
    const unknown = world.cluster.controlPlane.stop('kube-proxy' as 'etcd');
    await expect(unknown).rejects.toThrow(/expected one of .*etcd.*got: kube-proxy/);
  });
});
