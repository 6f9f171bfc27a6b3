import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { type JobLauncher, LauncherUnreachable } from '../../src/jobs/job-launcher.ts';
import { classify } from '../../src/recovery/classify.ts';
import { until } from '../contract/job-launcher.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { KubernetesWorld } from './kubernetes-world.ts';

/** A cluster for each test: what is taken away here does not come back whole. */
describe('a job whose node or server is taken away', () => {
  let cluster: Cluster;
  let world: KubernetesWorld;
  let launcher: JobLauncher;
  let spec: JobSpec;
  beforeEach(async () => {
    cluster = await startCluster({ nodes: 2, fast: true });
    const onTheSecond = { graceSeconds: 1, nodeSelector: { 'kubernetes.io/hostname': 'n2' } };
    world = await KubernetesWorld.create(cluster, { settings: { nodeLostSeconds: 4, defaults: onTheSecond } });
    launcher = world.launcher();
    spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
  });
  afterEach(async () => {
    await world.close();
    await cluster.stop();
  });

  /** The attempt is over as preempted, and its Job is given up. */
  async function isGivenUp(): Promise<void> {
    const seen = await until(launcher, spec, 'lost');
    const platform = await launcher.platformEvidence(spec);
    const end = { kind: 'lost', reason: seen.state === 'lost' ? seen.reason : '' } as const;
    expect(classify({ end, platform, done: false })).toMatchObject({ failure: 'preempted' });
    expect(platform).toMatchObject({ node: 'n2' });
    await launcher.release?.(spec);
    expect(await world.kubectl('get', 'jobs', '--output=name')).toBe('');
  }

  it('is lost when the power of its node went for good', async () => {
    await cluster.node(2).kill();
    await isGivenUp();
  });

  it('is lost when its kubelet is dead, though its program runs on', async () => {
    await cluster.node(2).stopService('kubelet');
    await isGivenUp();
    expect(await world.starts(spec)).toBe(1);
  });

  it('is lost when the network of its node is cut, and ends when the node is back', async () => {
    await cluster.node(2).netDown();
    await isGivenUp();
    await cluster.node(2).netUp();
    const pods = () => world.kubectl('get', 'pods', '--output=name');
    await expect.poll(pods, { timeout: 60_000, interval: 500 }).toBe('');
  });

  it('is neither lost nor over while the API server is silent, and is found running', async () => {
    await cluster.controlPlane.pause('api-bridge');
    await sleep(6_000);
    const blind = world.launcher();
    await expect(blind.observe(spec)).rejects.toThrow(LauncherUnreachable);
    await cluster.controlPlane.cont('api-bridge');
    await expect.poll(async () => (await launcher.observe(spec)).state, { timeout: 60_000 }).toBe('running');
    expect(await world.starts(spec)).toBe(1);
    await stat(join(spec.attemptFolder, 'launched.json'));
  });

  it('is not lost while the API server is started again', async () => {
    await cluster.controlPlane.stop('kube-apiserver');
    await expect(launcher.platformEvidence(spec)).rejects.toThrow(LauncherUnreachable);
    await cluster.controlPlane.start('kube-apiserver');
    const state = () =>
      launcher.observe(spec).then(
        (seen) => seen.state,
        (error: Error) => error.name,
      );
    const seen = new Set<string>();
    await expect
      .poll(async () => seen.add(await state()).has('running'), { timeout: 60_000, interval: 250 })
      .toBe(true);
    expect([...seen].filter((each) => each !== 'running' && each !== 'LauncherUnreachable')).toEqual([]);
    expect(await world.starts(spec)).toBe(1);
  });
});
