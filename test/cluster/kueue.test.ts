import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { connectToCluster } from '../../src/jobs/kubernetes/connect-to-cluster.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';
import { lethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { defineKueue } from './kueue/definitions.ts';
import { KueueController } from './kueue/kueue-controller.ts';
import { DEFAULT_FLAVOR } from './kueue/pod-queue.ts';
import { apply, objectsOfOverlay, settingsIn, withoutWorker } from './overlay.ts';
import { storeVolume } from './store-volume.ts';

const IMAGE = 'localhost/lethe-trainer:test';
const CHECKPOINT_EVERY = 5_000;
/** Room for none of our jobs; for one of ours, or the urgent one. */
const [TOO_LITTLE, ENOUGH] = ['100m', '250m'];
const CORES = 0.2;

describe('k8s/overlays/kueue', { timeout: 400_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-kueue-'));
  const store = join(folder, 'store');
  const file = join(folder, 'toy.yaml');
  const environment = { LETHE_STORE: store, XDG_STATE_HOME: join(folder, 'state') };
  let cluster: Cluster;
  let kueue: KueueController;
  let umask: number;
  beforeAll(async () => {
    // The worker of this test is root, its jobs are nobody in particular.
    umask = process.umask(0);
    mkdirSync(store);
    const archive = join(folder, 'trainer.tar');
    execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, IMAGE]);
    cluster = await startCluster({ images: [archive] });
    await defineKueue(cluster);
    await install();
    const api = new ApiClient(await connectToCluster({ kubeconfig: cluster.kubeconfig, namespace: 'lethe' }));
    kueue = new KueueController(api);
  }, 300_000);
  afterAll(async () => {
    await lethe(['stop'], environment);
    await kueue?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
    process.umask(umask);
  });

  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', 'lethe', ...args]);

  /** All that `kubectl apply -k` makes; no worker in a pod, a volume, and a queue so small that it matters. */
  async function install(): Promise<void> {
    const objects = await objectsOfOverlay(cluster, 'kueue');
    withoutWorker(objects);
    const queue = objects.find(({ kind, metadata }) => kind === 'ClusterQueue' && metadata.name === 'lethe-small')!;
    queue.spec.preemption = { withinClusterQueue: 'LowerPriority' };
    const [group] = queue.spec.resourceGroups as [{ flavors: [{ resources: [{ nominalQuota: string }] }] }];
    group.flavors[0].resources[0].nominalQuota = TOO_LITTLE;
    const urgent = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'urgent' },
      value: 1_000,
      // Kubernetes' own preemption is not what is tried here.
      preemptionPolicy: 'Never',
    };
    await apply(cluster, [storeVolume('lethe', store), DEFAULT_FLAVOR, urgent, ...objects]);
    const ours = parse(settingsIn(objects)) as { defaults: object };
    const here = { kubeconfig: await loginOfWorker(), namespace: 'lethe', image: IMAGE, imagePullPolicy: 'Never' };
    const defaults = { ...ours.defaults, cores: CORES, graceSeconds: 10 };
    writeFileSync(join(folder, 'cluster.yaml'), JSON.stringify({ ...ours, ...here, pollSeconds: 2, defaults }));
  }

  /** A kubeconfig with the rights of the overlay's Role, and no others. */
  async function loginOfWorker(): Promise<string> {
    const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
    const token = (await kubectl('create', 'token', 'lethe-worker')).trim();
    for (const { user } of config.users) user.token = token;
    const written = join(folder, 'worker.kubeconfig');
    writeFileSync(written, JSON.stringify(config), { mode: 0o600 });
    return written;
  }

  /** Words of the rows of `lethe status` that are in a state. */
  async function waiting(state: string): Promise<string[]> {
    const { stdout } = await lethe(['status', 'toy', '--json'], environment);
    const [status] = jsonLines(stdout) as [{ rows?: { state: string; stage: { reason?: string } }[] }?];
    return (status?.rows ?? []).flatMap((row) => (row.state === state ? [row.stage.reason ?? ''] : []));
  }

  /** A Job of somebody else in the same queue, before which ours must give way. */
  function urgentJob(): object {
    const container = {
      name: 'urgent',
      image: 'localhost/lethe-test/pause:1',
      imagePullPolicy: 'Never',
      resources: { requests: { cpu: CORES, memory: '16Mi' } },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    };
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'urgent', namespace: 'lethe', labels: { 'kueue.x-k8s.io/queue-name': 'lethe-small' } },
      spec: {
        suspend: true,
        template: {
          spec: {
            priorityClassName: 'urgent',
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 1,
            securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [container],
          },
        },
      },
    };
  }

  it('lets the worker read why a Job waits, and nothing more of Kueue', async () => {
    const account = '--as=system:serviceaccount:lethe:lethe-worker';
    expect(await kubectl('auth', 'can-i', 'list', 'workloads.kueue.x-k8s.io', account)).toBe('yes\n');
    await expect(kubectl('auth', 'can-i', 'patch', 'workloads.kueue.x-k8s.io', account)).rejects.toThrow();
  });

  it('queues jobs by quota; one that is evicted is queued again and goes on from its checkpoint, and nothing counts as failed', async () => {
    writeFileSync(
      file,
      toySweepFile({
        models: 'gpt2-d16',
        // Half a minute or more of work: it must still run when somebody more urgent comes.
        steps: 200_000,
        reviewSteps: 200,
        checkpointEvery: CHECKPOINT_EVERY,
        arms: 'forgetting',
      }),
    );
    const ended = lethe(
      ['run', file, '--json', '--yes', '--on', 'kubernetes', '--cluster', join(folder, 'cluster.yaml')],
      environment,
    );
    const limit = { timeout: 120_000, interval: 500 };
    await expect
      .poll(() => waiting('queued'), limit)
      .toContainEqual(
        expect.stringMatching(/^in queue lethe-small: .*insufficient unused quota for cpu in flavor default/),
      );
    const first = '/spec/resourceGroups/0/flavors/0/resources/0/nominalQuota';
    const more = JSON.stringify([{ op: 'replace', path: first, value: ENOUGH }]);
    await cluster.kubectl(['patch', 'clusterqueue.kueue.x-k8s.io', 'lethe-small', '--type=json', `--patch=${more}`]);
    const checkpoints = () => globSync(join(store, 'stages', '*', 'attempts', '1', '*', 'checkpoints', 'step-*'));
    await expect.poll(checkpoints, limit).not.toEqual([]);

    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(urgentJob()));
    await expect
      .poll(() => waiting('queued'), limit)
      .toContainEqual(expect.stringContaining('was sent back: Preempted to accommodate a workload'));
    const pods = () => kubectl('get', 'pods', '--selector=app.kubernetes.io/managed-by=lethe', '--output=name');
    await expect.poll(pods, limit).toBe('');
    const suspended = JSON.parse(await kubectl('get', 'jobs', '--output=json')) as {
      items: { metadata: { name: string }; spec: { suspend: boolean }; status: { startTime?: string } }[];
    };
    for (const { metadata, spec, status } of suspended.items)
      if (metadata.name !== 'urgent' && spec.suspend) expect(status.startTime).toBeUndefined();
    await kubectl('delete', 'job', 'urgent', '--wait=false');

    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ status: 'completed', parked: [] });
    const evidence = globSync(join(store, 'stages', '*', 'attempts', '*', 'evidence.json')).map((path) => ({
      folder: dirname(path),
      said: JSON.parse(readFileSync(path, 'utf8')) as Evidence,
    }));
    expect(evidence).toHaveLength(2);
    for (const { said } of evidence) expect(said).toMatchObject({ outcome: 'succeeded', attempt: 1 });
    const [evicted, ...others] = evidence.filter(({ said }) => said.writers.length > 1);
    expect(others).toEqual([]);
    const [before, after] = evicted!.said.writers;
    const from = JSON.parse(readFileSync(join(evicted!.folder, after!.name, 'from.json'), 'utf8')) as { step: number };
    expect(from.step).toBe(before!.checkpointStep);
    // At least: the last step that it told.
    const told = lastStep(join(evicted!.folder, before!.name, 'progress.jsonl'));
    expect(told - from.step).toBeLessThanOrEqual(CHECKPOINT_EVERY + 1);
  });
});

function lastStep(progress: string): number {
  const line = readFileSync(progress, 'utf8').trimEnd().split('\n').at(-1) ?? '{}';
  return (JSON.parse(line) as { step?: number }).step ?? 0;
}
