import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { NO_SUCH_IMAGE } from '../../src/drill/faults/never-starts.ts';
import { NEEDED_RIGHTS } from '../../src/jobs/kubernetes/needed-rights.ts';
import { lethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { defineKueue } from './kueue/definitions.ts';
import { podQueue } from './kueue/pod-queue.ts';
import { CLAIM, makeTrainingNamespace } from './training-namespace.ts';

const IMAGE = 'localhost/lethe-trainer:test';
const NAMESPACE = 'drilled';
const DOCTOR = ['doctor', '--on', 'kubernetes'];

describe('lethe drill and lethe doctor with the rights of one namespace', { timeout: 300_000 }, () => {
  let folder: string;
  let store: string;
  let kubeconfig: string;
  let cluster: Cluster;
  let umask: number;
  beforeAll(async () => {
    umask = process.umask(0);
    folder = mkdtempSync(join(tmpdir(), 'lethe-drill-command-'));
    store = join(folder, 'store');
    mkdirSync(store);
    const images = [IMAGE, NO_SUCH_IMAGE].map((name, index) => {
      const archive = join(folder, `trainer-${index}.tar`);
      execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, name]);
      return archive;
    });
    cluster = await startCluster({ images });
    await makeTrainingNamespace(cluster, NAMESPACE, store);
    kubeconfig = await kubeconfigOfOne();
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
    process.umask(umask);
  });

  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', NAMESPACE, ...args]);

  /** Of an account that may do what jobs need, see the claim, and delete pods; and nothing else. */
  async function kubeconfigOfOne(): Promise<string> {
    const rules = NEEDED_RIGHTS.map(({ verb, group, resource }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
    }));
    const more = [
      { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get'] },
    ];
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'one', namespace: NAMESPACE },
      rules: [...rules, ...more],
    };
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(role));
    await kubectl('create', 'serviceaccount', 'one');
    await kubectl('create', 'rolebinding', 'one', '--role=one', `--serviceaccount=${NAMESPACE}:one`);
    const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
    for (const { user } of config.users) user.token = (await kubectl('create', 'token', 'one')).trim();
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  /** `further`: of the settings of the cluster, before those of this test. */
  function run(namespace: string | undefined, args: readonly string[], further: object = {}) {
    const place = { kubeconfig, ...(namespace !== undefined && { namespace }), store: { claim: CLAIM } };
    const settings = join(folder, 'cluster.yaml');
    writeFileSync(settings, JSON.stringify({ ...place, image: IMAGE, imagePullPolicy: 'Never', ...further }));
    const state = { XDG_STATE_HOME: join(folder, 'state') };
    return lethe([...args, '--store', store, '--cluster', settings, '--json'], state);
  }

  it('runs the rows that these rights allow, names the others, and leaves nothing behind', async () => {
    const only = 'pod-deleted,exit-66,pod-evicted,kubelet-killed';
    const { stdout, stderr, code } = await run(undefined, ['drill', '-n', NAMESPACE, '--only', only]);
    const rows = jsonLines(stdout).filter(({ event }) => event === 'row');
    const said = Object.fromEntries(rows.map(({ row, status, why }) => [row, why ?? status]));
    expect(said, stderr).toEqual({
      'pod-deleted': 'held',
      'exit-66': 'held',
      'pod-evicted': 'needs the right to create pods/eviction',
      'kubelet-killed': 'needs cluster access',
    });
    expect(code).toBe(0);
    expect(await kubectl('get', 'jobs,pods', '--output=name')).toBe('');
    expect(readdirSync(store)).toEqual([]);
  });

  it('refuses a namespace in which this login may not do what jobs need, before anything is made', async () => {
    const { stderr, code } = await run(undefined, ['drill', '-n', 'default']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/namespace default, this login lacks create batch\/jobs/);
    expect(readdirSync(store)).toEqual([]);
  });

  it('ends with 3 on a miss: a row whose fault does not come, since this cluster has the image that none should have', async () => {
    const { stdout, stderr, code } = await run(undefined, ['drill', '-n', NAMESPACE, '--only', 'image-missing']);
    const [row, end] = jsonLines(stdout);
    expect(row, stderr).toMatchObject({ row: 'image-missing', status: 'missed', class: null });
    expect(row?.misses).toContain('expected class image, got none');
    expect(end).toEqual({ event: 'end', rows: 1, missed: ['image-missing'] });
    expect(code).toBe(3);
  });

  it('is examined, with its image run once', async () => {
    await Store.create(store, { address: 'embedded', namespace: 'lethe' });
    const { stdout } = await run(NAMESPACE, [...DOCTOR, '--probe']);
    const findings = jsonLines(stdout);
    const of = (what: string) => findings.find((finding) => finding.what === what);
    expect(of('rights')).toMatchObject({ level: 'good' });
    expect(of('files')).toMatchObject({ level: 'good', found: 'link, rename, fsync and locks work' });
    expect(of('volume')).toMatchObject({ level: 'good' });
    expect(of('image')).toMatchObject({ level: 'good', found: expect.stringMatching(/runs on n1: trainer/) });
    await expect.poll(() => kubectl('get', 'jobs', '--output=name'), { timeout: 30_000 }).toBe('');
  });

  /** Each node of the test cluster has two of these. */
  const wishes = (queue: string, gpus: number) => ({ defaults: { queue, gpus } });
  const found = async (further: object) => {
    const { stdout, code } = await run(NAMESPACE, DOCTOR, further);
    const findings = jsonLines(stdout);
    const of = (name: string) => findings.find(({ what }) => what === name);
    return { code, findings, of };
  };

  it('has its queue and devices looked at: whether they are there, or by whom they can be seen', async () => {
    await defineKueue(cluster);
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(podQueue(NAMESPACE, 1)));
    const asOwner = { kubeconfig: cluster.kubeconfig };
    const fit = await found({ ...asOwner, ...wishes('slots', 2) });
    expect(fit.of('queue')).toEqual({ what: 'queue', level: 'good', found: 'slots' });
    expect(fit.of('devices')).toMatchObject({
      level: 'good',
      found: expect.stringMatching(/^nvidia.com\/gpu: .* has 2$/),
    });
    const unfit = await found({ ...asOwner, ...wishes('gone', 3) });
    expect(unfit.code).toBe(3);
    expect(unfit.of('queue')).toMatchObject({ level: 'bad', found: `no LocalQueue gone in namespace ${NAMESPACE}` });
    expect(unfit.of('devices')).toMatchObject({ level: 'bad', found: expect.stringMatching(/up to 3, .* has 2$/) });
    const blind = await found(wishes('slots', 2));
    const seen = (command: string) => ({ level: 'note', fix: `from where you may: kubectl ${command}` });
    expect(blind.of('queue')).toMatchObject(seen(`-n ${NAMESPACE} get localqueue slots`));
    expect(blind.of('devices')).toMatchObject(seen('describe nodes'));
  });

  it('has a Job found that nobody waits for any more, with the command that removes it', async () => {
    const { id } = await Store.open(store);
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: 'orphan',
        labels: { 'app.kubernetes.io/managed-by': 'lethe', 'lethe.dev/store': id },
        annotations: { 'lethe.dev/attempt-folder': join(store, 'stages', 'gone', 'attempts', '1') },
      },
      // Its pod is of no interest here.
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: IMAGE }] } },
      },
    };
    await cluster.kubectl(['--namespace', NAMESPACE, 'create', '-f', '-'], JSON.stringify(job));
    const there = await found({});
    expect(there.code).toBe(3);
    const fix = `kubectl -n ${NAMESPACE} delete job orphan`;
    expect(there.of('job')).toEqual({
      ...{ what: 'job', level: 'bad', found: 'Job orphan goes on, its attempt is over', fix },
    });
    await cluster.kubectl(fix.split(' ').slice(1));
    expect((await found({})).findings.filter(({ level }) => level === 'bad')).toEqual([]);
  });
});
