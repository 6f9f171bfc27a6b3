import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLines } from '../server/cli-world.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import type { Cluster } from './cluster.ts';
import { type InstalledLethe, installLethe } from './installed-lethe.ts';

const LETHE = ['/lethe/node_modules/node/bin/node', '--disable-warning=ExperimentalWarning', '/lethe/src/cli/main.ts'];

describe('the worker of k8s/ beside its volume', { timeout: 300_000 }, () => {
  let installed: InstalledLethe;
  let store: string;
  let cluster: Cluster;
  beforeAll(async () => {
    installed = await installLethe();
    ({ store, cluster } = installed);
  }, 300_000);
  afterAll(async () => {
    await installed?.stop();
  });

  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', 'lethe', ...args]);

  const lethe = (...args: string[]) =>
    kubectl('exec', 'deployment/lethe-worker', '--', ...LETHE, ...args).catch(async (error: Error) => {
      const log = await kubectl('logs', 'deployment/lethe-worker', '--tail=20');
      throw new Error(`${error.message}\nthe worker said:\n${log}`);
    });

  const pods = async () =>
    JSON.parse(await kubectl('get', 'pods', '--selector=app.kubernetes.io/name=lethe-worker', '--output=json')) as {
      items: { spec: { containers: object[] }; status: { podIP: string; conditions: object[] } }[];
    };

  it('carries a sweep from its file to its report, with the rights of its Role', async () => {
    const file = join(store, 'toy.yaml');
    writeFileSync(file, toySweepFile({ models: 'gpt2-d8', steps: 60, checkpointEvery: 20 }));
    const end = jsonLines(await lethe('run', '/store/toy.yaml', '--json', '--yes')).at(-1);
    expect(end).toMatchObject({ event: 'end', status: 'completed', parked: [] });
    expect(Number(end?.jobsStarted)).toBeGreaterThan(1);
    const jobs = await kubectl('get', 'jobs', '--selector=app.kubernetes.io/managed-by=lethe', '--output=name');
    expect(jobs.trim().split('\n')).toHaveLength(Number(end?.jobsStarted));
    const accounts = await kubectl(
      'get',
      'pods',
      '--selector=app.kubernetes.io/managed-by=lethe',
      '--output',
      'jsonpath={.items[*].spec.serviceAccountName}',
    );
    expect(new Set(accounts.split(' '))).toEqual(new Set(['lethe-trainer']));
  });

  it('tells its health to kubelet and its metrics to whoever scrapes its pod', async () => {
    const [pod] = (await pods()).items;
    // Ready by its own word: kubelet has asked on the pod's address.
    expect(pod?.status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(pod?.spec.containers[0]).toMatchObject({
      startupProbe: { httpGet: { path: '/healthz' } },
      livenessProbe: { httpGet: { path: '/healthz' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
    });
    const get = (path: string) => cluster.node(1).run('curl', '-sS', `http://${pod?.status.podIP}:9090${path}`);
    expect(await get('/readyz')).toBe('worker: ok\ntemporal: ok\nstore: ok\n');
    const metrics = await get('/metrics');
    expect(metrics).toMatch(/^lethe_api_calls_total\{verb="create",resource="jobs",outcome="201"\} \d+$/m);
    expect(metrics).toMatch(/^lethe_attempts_ended_total\{next="done"\} \d+$/m);
    expect(metrics).toContain('temporal_worker_task_slots_available');
  });

  it('goes on with the sweeps of its store after its pod was replaced', async () => {
    await kubectl('delete', 'pods', '--selector=app.kubernetes.io/name=lethe-worker');
    await kubectl('rollout', 'status', 'deployment/lethe-worker', '--timeout=120s');
    const again = jsonLines(await lethe('run', '/store/toy.yaml', '--json', '--yes')).at(-1);
    expect(again).toMatchObject({ status: 'completed', jobsStarted: 0 });
  });
});
