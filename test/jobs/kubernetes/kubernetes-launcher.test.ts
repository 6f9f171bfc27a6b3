import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLaunched } from '../../../src/artifacts/attempt-folder.ts';
import type { JobSpec } from '../../../src/artifacts/job-spec.ts';
import { JobNameTaken, JobRefused, LauncherUnreachable } from '../../../src/jobs/job-launcher.ts';
import type { KubernetesJobLauncher } from '../../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { SPEC } from '../../artifacts/support/stage-world.ts';
import { ClusterWorld, ended, publishStop, RUNNING } from './support/cluster-world.ts';

/** Bounds a failure; nothing here is timed. */
const LIMIT = { timeout: 20_000 };
const poll = <T>(look: () => T) => expect.poll(look, LIMIT);

describe('a job in a cluster', () => {
  let world: ClusterWorld;
  let launcher: KubernetesJobLauncher;
  let spec: JobSpec;
  beforeEach(async () => {
    world = await ClusterWorld.create();
    launcher = world.launcher();
    spec = await world.job(launcher);
  });
  afterEach(() => world.close());

  const jobs = () => world.server.count('POST', '/jobs');

  describe('at its launch', () => {
    it('is asked for once, with the body of job.json, and recorded with its uid', async () => {
      await launcher.launch(spec);
      await launcher.launch(spec);
      await world.launcher().launch(spec);
      expect(jobs()).toBe(1);
      const { body } = world.server.asked.find(({ method }) => method === 'POST')!;
      expect(JSON.parse(body)).toEqual(spec.manifest);
      const { uid } = world.server.find('jobs', spec.name).metadata;
      expect(await readLaunched(spec.attemptFolder)).toMatchObject({ jobUid: uid });
    });

    it('is adopted when its POST got through and the answer did not', async () => {
      world.server.fault = ({ method }) => (method === 'POST' ? { kind: 'lost-answer' } : undefined);
      await expect(launcher.launch(spec)).rejects.toThrow(LauncherUnreachable);
      expect(await readLaunched(spec.attemptFolder)).toBeUndefined();
      world.server.fault = () => undefined;
      await launcher.launch(spec);
      expect(await readLaunched(spec.attemptFolder)).toMatchObject({
        jobUid: world.server.find('jobs', spec.name).metadata.uid,
      });
    });

    it('is the same under a configuration that has changed since', async () => {
      await launcher.launch(spec);
      await world.launcher({ image: 'localhost/trainer:2' }).launch(spec);
      expect(jobs()).toBe(1);
    });

    it('has the image and the queue that a person chose for its stage', async () => {
      const said = launcher.complete(spec, { model: SPEC.model, image: 'localhost/other:1', queue: 'urgent' });
      expect(said.manifest).toMatchObject({
        metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'urgent' } },
        spec: { suspend: true, template: { spec: { containers: [{ image: 'localhost/other:1' }] } } },
      });
    });

    it('leaves a foreign Job of its name alone', async () => {
      world.server.put('jobs', { metadata: { name: spec.name }, spec: {} });
      await expect(launcher.launch(spec)).rejects.toThrow(JobNameTaken);
      await publishStop(spec);
      await launcher.cancel(spec, 0);
      await launcher.release(spec);
      expect(world.server.count('DELETE')).toBe(0);
      expect(world.server.has('jobs', spec.name)).toBe(true);
    });

    it.for([400, 422])('is refused for good with %d', async (status) => {
      const text = JSON.stringify({ reason: 'Invalid', message: 'spec.template: Invalid value' });
      world.server.fault = ({ method }) => (method === 'POST' ? { kind: 'answer', status, text } : undefined);
      const launched = launcher.launch(spec);
      await expect(launched).rejects.toThrow(JobRefused);
      await expect(launched).rejects.toThrow(/Invalid value/);
    });

    it.for([302, 403, 404, 408, 413, 429, 500])('is put off by %d, which is not about the job', async (status) => {
      world.server.fault = ({ method }) => (method === 'POST' ? { kind: 'answer', status } : undefined);
      await expect(launcher.launch(spec)).rejects.toThrow(LauncherUnreachable);
      world.server.fault = () => undefined;
      await launcher.launch(spec);
      expect(world.server.has('jobs', spec.name)).toBe(true);
    });

    it('does not happen once its stop was published', async () => {
      await publishStop(spec);
      await launcher.launch(spec);
      expect(jobs()).toBe(0);
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
    });

    it('does not take over an attempt of local processes', async () => {
      const { manifest: _manifest, ...local } = spec;
      await expect(launcher.launch(local)).rejects.toThrow(/local processes/);
    });
  });

  describe('while it is there', () => {
    beforeEach(() => launcher.launch(spec));

    it('waits without a pod, and says what keeps it from one', async () => {
      expect(await launcher.observe(spec)).toEqual({ state: 'starting', reason: 'no pod yet' });
      const message = 'pods "x" is forbidden: exceeded quota: small';
      world.server.put('events', {
        metadata: { name: 'e1' },
        involvedObject: { name: spec.name },
        type: 'Warning',
        reason: 'FailedCreate',
        message,
      });
      await poll(() => launcher.observe(spec)).toEqual({ state: 'starting', reason: message });
    });

    it('waits for a volume, in the words of its node', async () => {
      const creationTimestamp = new Date(Date.now() - 60_000).toISOString();
      const containerStatuses = [{ state: { waiting: { reason: 'ContainerCreating' } } }];
      world.pod(spec, { phase: 'Pending', containerStatuses }, { node: 'n1', metadata: { creationTimestamp } });
      const message = 'MountVolume.SetUp failed for volume "store"';
      world.server.put('events', {
        metadata: { name: 'e1' },
        involvedObject: { name: `${spec.name}-x1` },
        type: 'Warning',
        reason: 'FailedMount',
        message,
      });
      const reason = `ContainerCreating on n1: FailedMount: ${message}`;
      await poll(() => launcher.observe(spec)).toEqual({ state: 'starting', reason });
    });

    it('says that it cannot be scheduled, and whether there was ever such a place', async () => {
      const message = '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.';
      const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
      world.pod(spec, { phase: 'Pending', conditions });
      const reason = `Unschedulable: ${message}`;
      await poll(() => launcher.observe(spec)).toEqual({ state: 'starting', kind: 'unschedulable', reason });
      const other = await world.job(launcher);
      world.pod(other, RUNNING, { node: 'n1' });
      await poll(() => launcher.observe(spec)).toEqual({ state: 'starting', reason });

      // Another worker, long after that pod.
      await poll(() => readdirSync(join(world.temporary.store.path, 'fitted-shapes'))).toHaveLength(1);
      world.server.remove('pods', `${other.name}-x1`);
      const later = world.launcher();
      await poll(() => later.observe(spec)).toEqual({ state: 'starting', reason });
    });

    it.for(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError'])(
      'waits for its image with reason %s',
      async (reason) => {
        const containerStatuses = [{ state: { waiting: { reason, message: 'Back-off pulling image "x"' } } }];
        world.pod(spec, { phase: 'Pending', containerStatuses }, { node: 'n1' });
        const expected = { state: 'starting', kind: 'image', reason: `${reason}: Back-off pulling image "x"` };
        await poll(() => launcher.observe(spec)).toEqual(expected);
      },
    );

    it('runs as long as its container does', async () => {
      world.pod(spec, RUNNING, { node: 'n1' });
      await poll(() => launcher.observe(spec)).toEqual({
        state: 'running',
        startedAt: '2026-01-02T03:04:05Z',
        where: `pod ${spec.name}-x1 on n1`,
      });
    });

    it('has not ended when its pod has: the cluster may replace it', async () => {
      world.pod(spec, ended(75));
      world.server.patch('jobs', spec.name, { status: { conditions: [{ type: 'FailureTarget', status: 'True' }] } });
      await poll(() => launcher.observe(spec)).toMatchObject({ state: 'starting', reason: /next is not there/ });
      world.finish(spec, 'Failed');
      await poll(() => launcher.observe(spec)).toEqual({ state: 'ended' });
    });

    it('has ended when its pod succeeded, before the Job says so, and is kept', async () => {
      world.pod(spec, ended(0, 'Completed'), { node: 'n1' });
      await poll(() => launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await launcher.platformEvidence(spec)).toMatchObject({ exitCode: 0, preempted: false });
      await launcher.release(spec);
      expect(world.server.find('jobs', spec.name).spec).toMatchObject({ ttlSecondsAfterFinished: 86_400 });
      // By a worker that has not been told of pods yet.
      await world.launcher().release(spec);
      expect(world.server.count('DELETE')).toBe(0);
    });

    it('is asked about once and then told about, whatever the number of looks', async () => {
      world.pod(spec, RUNNING, { node: 'n1' });
      await poll(async () => (await launcher.observe(spec)).state).toBe('running');
      await poll(() => world.server.asked.filter(({ watch }) => watch).length).toBe(2);
      await launcher.observe(spec);
      const asked = world.server.asked.length;
      for (let look = 0; look < 20; look += 1) await launcher.observe(spec);
      expect(world.server.asked.length).toBe(asked);
    });

    it('wakes a waiter by any change since the last look', async () => {
      await launcher.observe(spec);
      world.pod(spec, RUNNING, { node: 'n1' });
      await sleep(50);
      const started = performance.now();
      await launcher.waitForChange(spec, 60_000);
      expect(performance.now() - started).toBeLessThan(30_000);
    });

    it('is never concluded to be over from a server that cannot be asked', async () => {
      world.pod(spec, RUNNING, { node: 'n1' });
      await poll(async () => (await launcher.observe(spec)).state).toBe('running');
      for (const fault of [
        { kind: 'reset' },
        { kind: 'silence' },
        { kind: 'answer', status: 500 },
        { kind: 'answer', status: 429, headers: { 'retry-after': '30' } },
        { kind: 'answer', status: 403 },
        { kind: 'answer', status: 200, text: 'not JSON' },
      ] as const) {
        world.server.fault = () => fault;
        world.server.breakWatches();
        // Until the broken watch is noticed, the job is as it was last told.
        const seen = () =>
          launcher.observe(spec).then(
            ({ state }) => state,
            (error: Error) => error.name,
          );
        await poll(async () => (await seen()) === 'running').toBe(false);
        expect(await seen(), JSON.stringify(fault)).toBe('LauncherUnreachable');
        await expect(launcher.platformEvidence(spec)).rejects.toThrow(LauncherUnreachable);
      }
      expect(world.server.count('DELETE')).toBe(0);
      world.server.fault = () => undefined;
      expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
    });

    it('is lost when the cluster does not know it any more, and is not made again', async () => {
      world.server.remove('jobs', spec.name);
      await poll(() => launcher.observe(spec)).toMatchObject({ state: 'lost', reason: /was deleted/ });
      await world.launcher().launch(spec);
      expect(jobs()).toBe(1);
      expect(await launcher.platformEvidence(spec)).toMatchObject({ preempted: true, outOfMemory: false });
    });

    it('is lost when its node has said nothing for the limit and the grace', async () => {
      const ready = (secondsAgo: number) => ({
        ...RUNNING,
        conditions: [
          { type: 'Ready', status: 'False', lastTransitionTime: new Date(Date.now() - secondsAgo * 1e3).toISOString() },
        ],
      });
      world.pod(spec, ready(65), { node: 'n2' });
      await poll(async () => (await launcher.observe(spec)).state).toBe('running');
      world.pod(spec, ready(75), { node: 'n2' });
      await poll(() => launcher.observe(spec)).toMatchObject({ state: 'lost', reason: /node n2 has not answered/ });
      expect(await launcher.platformEvidence(spec)).toMatchObject({ preempted: true, node: 'n2' });
      await launcher.release(spec);
      expect(world.server.has('jobs', spec.name)).toBe(false);
    });

    it('is lost when its pod was to be gone and its node does not say so', async () => {
      const metadata = (secondsAgo: number) => ({
        deletionTimestamp: new Date(Date.now() - secondsAgo * 1e3).toISOString(),
      });
      world.pod(spec, RUNNING, { node: 'n2', metadata: metadata(50) });
      await poll(() => launcher.observe(spec)).toMatchObject({
        state: 'running',
        leaving: 'its pod is being taken away',
      });
      world.pod(spec, RUNNING, { node: 'n2', metadata: metadata(70) });
      await poll(() => launcher.observe(spec)).toMatchObject({ state: 'lost', reason: /was to be gone/ });
    });
  });

  describe('in a queue', () => {
    beforeEach(async () => {
      launcher = world.launcher({ defaults: { queue: 'small' } });
      spec = await world.job(launcher);
      await launcher.launch(spec);
    });

    it('is queued without a limit, and says why in the words of the queue', async () => {
      expect(await launcher.observe(spec)).toEqual({ state: 'queued', reason: 'in queue small' });
      const { uid } = world.server.find('jobs', spec.name).metadata;
      const conditions = [{ type: 'QuotaReserved', status: 'False', message: 'insufficient unused quota for cpu' }];
      world.server.put('workloads', {
        metadata: { name: 'w', labels: { 'kueue.x-k8s.io/job-uid': uid } },
        status: { conditions },
      });
      const reason = 'in queue small: insufficient unused quota for cpu';
      await poll(() => launcher.observe(spec)).toEqual({ state: 'queued', reason });
    });

    it('is queued too for a worker that may not see Workloads', async () => {
      world.server.fault = ({ path }) => (path.includes('/workloads') ? { kind: 'answer', status: 403 } : undefined);
      expect(await launcher.observe(spec)).toEqual({ state: 'queued', reason: 'in queue small' });
    });

    it('is queued again, not failed, when the queue takes it back', async () => {
      world.server.patch('jobs', spec.name, { spec: { suspend: false } });
      world.pod(spec, RUNNING, { node: 'n1' });
      await poll(async () => (await launcher.observe(spec)).state).toBe('running');
      world.server.remove('pods', `${spec.name}-x1`);
      world.server.patch('jobs', spec.name, { spec: { suspend: true } });
      await poll(async () => (await launcher.observe(spec)).state).toBe('queued');
    });
  });

  describe('when it is stopped', () => {
    beforeEach(async () => {
      await launcher.launch(spec);
      world.pod(spec, RUNNING, { node: 'n1' });
      await poll(async () => (await launcher.observe(spec)).state).toBe('running');
      await publishStop(spec);
    });

    it('is gone when its pod is, and its end is known from what was told last', async () => {
      let gone = false;
      const stopping = launcher.cancel(spec, 10_000).then(() => {
        gone = true;
      });
      await poll(() => world.server.has('jobs', spec.name)).toBe(false);
      await sleep(300);
      expect(gone).toBe(false);
      expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
      world.pod(spec, ended(75), { node: 'n1' });
      world.server.remove('pods', `${spec.name}-x1`);
      await stopping;
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await launcher.platformEvidence(spec)).toMatchObject({ exitCode: 75, preempted: false });
    });

    it('is stopped once the server can be asked again', async () => {
      world.server.fault = () => ({ kind: 'reset' });
      world.server.breakWatches();
      const stopping = launcher.cancel(spec, 10_000);
      await sleep(300);
      expect(world.server.has('jobs', spec.name)).toBe(true);
      world.server.fault = () => undefined;
      await poll(() => world.server.has('jobs', spec.name)).toBe(false);
      world.server.remove('pods', `${spec.name}-x1`);
      await stopping;
    });

    it('is left as it is when it has ended by itself', async () => {
      world.finish(spec, 'Complete');
      await launcher.cancel(spec, 10_000);
      expect(world.server.count('DELETE')).toBe(0);
    });
  });

  describe('when its attempt is over', () => {
    beforeEach(async () => {
      await launcher.launch(spec);
      world.pod(spec, ended(0, 'Completed'), { node: 'n1' });
      world.finish(spec, 'Complete');
    });
    const ttl = () =>
      (world.server.find('jobs', spec.name).spec as { ttlSecondsAfterFinished?: number }).ttlSecondsAfterFinished;

    it('keeps no time to live until its evidence was kept', async () => {
      expect(ttl()).toBeUndefined();
      await launcher.release(spec);
      expect(ttl()).toBe(86_400);
    });

    it('is released by a worker that starts, where the last one died before it could', async () => {
      await sleep(100);
      expect(ttl()).toBeUndefined();
      await writeFile(join(spec.attemptFolder, 'evidence.json'), '{}');
      await world.launcher().observe(spec);
      await poll(ttl).toBe(86_400);
    });

    it('leaves the end of its log in the store', async () => {
      await launcher.platformEvidence(spec);
      expect(await readFile(join(spec.attemptFolder, 'log.txt'), 'utf8')).toBe(`log of ${spec.name}-x1\n`);
    });
  });
});
