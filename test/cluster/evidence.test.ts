import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import type { JobLauncher, PlatformEvidence } from '../../src/jobs/job-launcher.ts';
import { classify } from '../../src/recovery/classify.ts';
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

/** The class that the ledger goes by, where the trainer left no word. */
function classOf(platform: PlatformEvidence) {
  return classify({ end: { kind: 'ended' }, platform, done: false }).failure;
}

async function evidenceOf(spec: JobSpec): Promise<PlatformEvidence> {
  await until(launcher, spec, 'ended');
  return launcher.platformEvidence(spec);
}

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
