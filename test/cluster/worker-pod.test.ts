import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { lethe as onThisMachine } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import type { Cluster } from './cluster.ts';
import { type InstalledLethe, installLethe } from './installed-lethe.ts';

const LETHE = ['/lethe/node_modules/node/bin/node', '--disable-warning=ExperimentalWarning', '/lethe/src/cli/main.ts'];
/** Of a training that is still under way when a worker has died and another has come. */
const STEPS = 300_000;

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
      items: {
        metadata: { uid: string };
        spec: { containers: object[] };
        status: { podIP: string; conditions: object[] };
      }[];
    };

  const workers = async () => (await pods()).items.map(({ metadata }) => metadata.uid);

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

  it('says which images and which code made the result', async () => {
    const [{ stages }] = jsonLines(await lethe('explain', 'toy/gpt2-d8.forgetting.s1', '--json')) as [
      { stages: readonly { attempts: readonly { evidence: { image?: string } }[] }[] },
    ];
    const images = stages.flatMap(({ attempts }) => attempts.map(({ evidence }) => evidence.image));
    expect(images).toEqual(stages.map(() => expect.stringMatching(/sha256:[0-9a-f]{64}$/)));
    const [sweep] = readdirSync(join(store, 'sweeps')) as [string];
    const page = readFileSync(join(store, 'sweeps', sweep, 'report', 'index.html'), 'utf8');
    expect(/trainer image.*?class="key">(.*?)<\/span>/.exec(page)?.[1]).toBe(images[0]);
    const revision = /revision <span class="key">([0-9a-f]{40})</.exec(page)?.[1];
    expect(execFileSync('git', ['-C', projectFolder, 'cat-file', '-t', `${revision}`], { encoding: 'utf8' })).toBe(
      'commit\n',
    );
  });

  it('is examined in its pod, whose image holds neither trainer nor Temporal server, and needs no hand', async () => {
    // A finding that needs one is exit 3, which rejects.
    const findings = jsonLines(await lethe('doctor', '--probe', '--json'));
    const of = (what: string) => findings.find((finding) => finding.what === what);
    for (const what of ['server', 'owner', 'files', 'rights', 'image', 'cluster'])
      expect(of(what), what).toMatchObject({ level: 'good' });
    expect(of('native build')).toBeUndefined();
    expect(of('volume')).toMatchObject({
      level: 'note',
      fix: 'from where you may: kubectl -n lethe get pvc lethe-store',
    });
    expect(findings.at(-1)).toEqual({ event: 'end', needsAHand: 0 });
  });

  it('is examined from a machine without the volume, which is told how the rest is', async () => {
    const way = ['--store', 'pvc:lethe-store', '-n', 'lethe', '--temporal', `127.0.0.1:${installed.temporal.port}`];
    const { folder } = installed;
    const home = { KUBECONFIG: cluster.kubeconfig, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder, LETHE_STORE: '' };
    const { stdout, code } = await onThisMachine(['doctor', ...way, '--probe', '--json'], home);
    const findings = jsonLines(stdout).slice(0, -1);
    const good = ['cluster', 'rights', 'worker', 'server', 'volume', 'image'];
    expect(findings.map(({ what, level }) => [what, level])).toEqual([
      ...good.map((what) => [what, 'good']),
      ['store', 'note'],
    ]);
    expect(findings.at(-1)?.fix).toMatch(/^kubectl -n lethe exec deploy\/lethe-worker -- .* doctor$/);
    expect(code).toBe(0);
  });

  it('would send an API key to the server that it dials', async () => {
    const script = `import { loginAt } from '/lethe/src/temporal/server-profile.ts';
      const { LETHE_TEMPORAL_ADDRESS } = process.env;
      console.log(loginAt(LETHE_TEMPORAL_ADDRESS, { ...process.env, TEMPORAL_API_KEY: 'key' }).apiKey);`;
    const node = [...LETHE.slice(0, 2), '--input-type=module', '--eval', script];
    expect(await kubectl('exec', 'deployment/lethe-worker', '--', ...node)).toBe('key\n');
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

  it('adopts a Job that trains while its pod is killed: one attempt, and the statistics of one machine', async () => {
    const file = join(store, 'killed.yaml');
    writeFileSync(file, toySweepFile({ name: 'killed', models: 'gpt2-d8', steps: STEPS, checkpointEvery: STEPS / 10 }));
    await lethe('run', '/store/killed.yaml', '--detach', '--yes');
    const active = async () => {
      const { items } = JSON.parse(await kubectl('get', 'jobs', '--output=json')) as {
        items: { metadata: { uid: string }; status: { active?: number; ready?: number } }[];
      };
      return items.flatMap(({ metadata, status }) => (status.ready === 1 ? [metadata.uid] : []));
    };
    await expect.poll(active, { timeout: 60_000 }).toHaveLength(1);
    const [training] = await active();
    const [before] = await workers();
    await kubectl('delete', 'pods', '--selector=app.kubernetes.io/name=lethe-worker', '--grace-period=0', '--force');
    await kubectl('rollout', 'status', 'deployment/lethe-worker', '--timeout=120s');
    expect(await workers()).not.toContain(before);
    // The next worker found it at work.
    expect(await active()).toEqual([training]);
    const end = jsonLines(await lethe('run', '/store/killed.yaml', '--json', '--yes')).at(-1);
    expect(end).toMatchObject({ status: 'completed', parked: [] });
    const [{ stages }] = jsonLines(await lethe('explain', 'killed/gpt2-d8.forgetting.s1', '--json')) as [
      { stages: readonly { attempts: readonly { writers: readonly object[] }[] }[] },
    ];
    expect(stages.map(({ attempts }) => attempts.map(({ writers }) => writers.length))).toEqual(stages.map(() => [1]));
    const here = ['--store', join(installed.folder, 'undisturbed')];
    const alone = await onThisMachine(['run', file, ...here, '--json', '--yes']);
    await onThisMachine(['stop', ...here]);
    expect(end?.statisticsDigest).toBe(jsonLines(alone.stdout).at(-1)?.statisticsDigest);
  });
});
