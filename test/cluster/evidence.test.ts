import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import type { JobLauncher, PlatformEvidence } from '../../src/jobs/job-launcher.ts';
import { type AttemptEnd, classify } from '../../src/recovery/classify.ts';
import { SPEC } from '../artifacts/support/stage-world.ts';
import { until } from '../contract/job-launcher.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { KubernetesWorld, type KubernetesWorldOptions } from './kubernetes-world.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, gpus: 1 });
});
afterAll(() => cluster?.stop());

let world: KubernetesWorld;
let launcher: JobLauncher;
afterEach(() => world.close());

async function setup(options: KubernetesWorldOptions = {}): Promise<void> {
  world = await KubernetesWorld.create(cluster, options);
  launcher = world.launcher();
}

const LOST: AttemptEnd = { kind: 'lost', reason: 'gone' };

/** The class that the ledger goes by, where the trainer left no word. */
function classOf(platform: PlatformEvidence, end: AttemptEnd = { kind: 'ended' }) {
  return classify({ end, platform, done: false }).failure;
}

async function evidenceOf(spec: JobSpec): Promise<PlatformEvidence> {
  await until(launcher, spec, 'ended');
  return launcher.platformEvidence(spec);
}

describe('what a real cluster says of a job that ended', () => {
  it('a container past its memory limit: out-of-memory', async () => {
    await setup();
    const spec = await world.command(() => ['allocate', '200'], 48 * 2 ** 20);
    await launcher.launch(spec);
    const evidence = await evidenceOf(spec);
    expect(evidence).toMatchObject({ outOfMemory: true, preempted: false });
    expect(classOf(evidence)).toBe('out-of-memory');
    expect(evidence.events.join()).toMatch(/OOMKilled, exit code 137/);
  });

  it('a pod deleted by hand: preempted, and its Job has failed', async () => {
    await setup();
    const spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
    await world.kubectl('delete', 'pod', (await world.pod(spec)).metadata.name);
    const evidence = await evidenceOf(spec);
    expect(evidence).toMatchObject({ exitCode: 75 });
    expect(classOf(evidence)).toBe('preempted');
  });

  it('an eviction through the API: replaced within the attempt, by a pod that starts when the first is gone', async () => {
    await setup();
    const spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
    const first = await world.pod(spec);
    await world.api.call({
      method: 'POST',
      path: `/api/v1/namespaces/${world.namespace}/pods/${first.metadata.name}/eviction`,
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: first.metadata.name } },
    });
    await expect.poll(() => world.starts(spec), { timeout: 30_000, interval: 200 }).toBe(2);
    await until(launcher, spec, 'running');
    expect((await world.pod(spec)).metadata.uid).not.toBe(first.metadata.uid);
    expect((await launcher.platformEvidence(spec)).events.join()).toMatch(/EvictionByEvictionAPI/);
  });

  it('a Job deleted by hand: lost, preempted, never made again', async () => {
    await setup();
    const spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
    await world.kubectl('delete', 'job', spec.name);
    await until(launcher, spec, 'lost');
    await launcher.launch(spec);
    expect(classOf(await launcher.platformEvidence(spec), LOST)).toBe('preempted');
    expect(await world.starts(spec)).toBe(1);
  });

  it('a Job that its time to live took: its evidence was kept first', async () => {
    await setup({ settings: { keptSeconds: 0 } });
    const spec = await world.job({ exitCode: 65 });
    await launcher.launch(spec);
    expect(await evidenceOf(spec)).toMatchObject({ exitCode: 65 });
    await launcher.release?.(spec);
    await expect.poll(async () => (await launcher.observe(spec)).state, { timeout: 30_000 }).toBe('lost');
    expect(await world.kubectl('get', 'jobs', '--output=name')).toBe('');
  });
});

const CODES = [
  [65, 'data'],
  [66, 'missing-input'],
  [69, 'device'],
  [70, 'crash'],
  [74, 'io'],
  [78, 'config'],
  [80, 'out-of-memory'],
  [81, 'diverged'],
] as const;

describe('the exit codes of the trainer, with the last words of its container', () => {
  it('each says its class', async () => {
    await setup();
    const specs = await Promise.all(
      CODES.map(([code]) => world.command(() => ['say', String(code), `the reason of ${code}`])),
    );
    await Promise.all(specs.map((spec) => launcher.launch(spec)));
    for (const [index, [code, failure]] of CODES.entries()) {
      const evidence = await evidenceOf(specs[index]!);
      const node = expect.stringMatching(/^n[12]$/);
      expect(evidence).toMatchObject({ exitCode: code, lastWords: `the reason of ${code}`, node });
      expect(classOf(evidence)).toBe(failure);
    }
  });
});

describe('why a job waits', () => {
  it('no node has what it asks for: unschedulable, in the words of the scheduler', async () => {
    await setup({ settings: { defaults: { nodeSelector: { disk: 'none-has-it' } } } });
    const spec = await world.job({});
    await launcher.launch(spec);
    await expect
      .poll(() => launcher.observe(spec), { timeout: 20_000 })
      .toMatchObject({
        state: 'starting',
        kind: 'unschedulable',
        reason: expect.stringMatching(/2 node\(s\) didn't match/),
      });
  });

  it('all nodes are full: it waits, because a pod like it had its place', async () => {
    await setup();
    const gpu = async () => {
      const bare = await world.job({});
      const { manifest: _manifest, ...spec } = bare;
      const wishes = { ...spec, resources: { ...spec.resources, gpus: 1 } };
      return world.launcher().complete(wishes, { model: SPEC.model });
    };
    for (const spec of [await gpu(), await gpu()]) {
      await launcher.launch(spec);
      await until(launcher, spec, 'running');
    }
    const third = await gpu();
    await launcher.launch(third);
    await expect
      .poll(() => launcher.observe(third), { timeout: 20_000 })
      .toEqual({ state: 'starting', reason: expect.stringMatching(/Insufficient nvidia\.com\/gpu/) });
  });

  it('an image that does not exist', async () => {
    await setup({ settings: { image: 'localhost/lethe-test/no-such-image:1' } });
    const spec = await world.job({});
    await launcher.launch(spec);
    await expect
      .poll(() => launcher.observe(spec), { timeout: 20_000 })
      .toMatchObject({ state: 'starting', kind: 'image', reason: expect.stringMatching(/ErrImageNeverPull/) });
  });

  it('a quota of the namespace', async () => {
    await setup();
    await world.kubectl('create', 'quota', 'none', '--hard=pods=0');
    const spec = await world.job({});
    await launcher.launch(spec);
    await expect
      .poll(() => launcher.observe(spec), { timeout: 20_000 })
      .toMatchObject({ state: 'starting', reason: expect.stringMatching(/exceeded quota: none/) });
  });
});
