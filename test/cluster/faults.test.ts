import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';

/** What can befall its nodes is in the rows of the drill. */
describe('what can befall the control plane of a cluster', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  it('is out of reach for its clients while the bridge is gone, and answers at the same address afterwards', async () => {
    await cluster.controlPlane.stop('api-bridge');
    await expect(cluster.kubectl(['get', 'nodes', '--request-timeout=5s'])).rejects.toThrow(/refused/);
    await cluster.controlPlane.start('api-bridge');
    await expect.poll(() => cluster.kubectl(['get', '--raw', '/readyz'])).toBe('ok');
  });

  it('keeps its clients waiting while the API server stands still', async () => {
    await cluster.controlPlane.pause('kube-apiserver');
    await expect(cluster.kubectl(['get', 'nodes', '--request-timeout=2s'])).rejects.toThrow(/[Tt]imeout/);
    await cluster.controlPlane.cont('kube-apiserver');
    await expect.poll(() => cluster.kubectl(['get', '--raw', '/readyz']), { timeout: 20_000 }).toBe('ok');
  });

  it('refuses a command that it does not know', async () => {
    const unknown = cluster.controlPlane.stop('kube-proxy' as 'etcd');
    await expect(unknown).rejects.toThrow(/expected one of .*etcd.*got: kube-proxy/);
  });
});
