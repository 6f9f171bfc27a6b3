import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/examinations.ts';
import { examineCluster } from '../../src/cli/doctor/examine-cluster.ts';
import { NUMERICS_VERSION } from '../../src/experiment/numerics-version.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { FakeApiServer, type Fault } from '../jobs/kubernetes/support/fake-api-server.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';

describe('the doctor of a cluster', () => {
  let server: FakeApiServer;
  let temporary: TemporaryStore;
  let refused: readonly string[];
  let nodes: readonly object[];
  let probed: { readonly pod: object; readonly log: object } | undefined;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    temporary = await temporaryStore();
    refused = [];
    nodes = [];
    probed = undefined;
    server.fault = ({ path, body }): Fault | undefined => {
      const answer = (value: object): Fault => ({ kind: 'answer', status: 200, text: JSON.stringify(value) });
      if (path === '/version') return answer({ gitVersion: 'v1.34.4' });
      if (path === '/api/v1/nodes') return answer({ items: nodes });
      if (probed !== undefined && path.endsWith('/pods')) return answer({ items: [probed.pod] });
      if (probed !== undefined && path.endsWith('/log')) return answer(probed.log);
      if (!path.endsWith('selfsubjectaccessreviews')) return undefined;
      const { verb, resource } = JSON.parse(body).spec.resourceAttributes as { verb: string; resource: string };
      return answer({ status: { allowed: !refused.includes(`${verb} ${resource}`) } });
    };
    server.put('persistentvolumeclaims', { metadata: { name: 'store' }, status: { phase: 'Bound' } });
  });
  afterEach(async () => {
    await server.stop();
    await temporary.remove();
  });

  async function findings(written: object = {}, probe = false): Promise<Finding[]> {
    const settings = parseClusterSettings({ image: 'x', store: { claim: 'store' }, ...written }, 'test');
    const api = new ApiClient(server.connection, { callMs: 5_000, patienceMs: 0 });
    const found: Finding[] = [];
    for await (const finding of examineCluster(api, settings, temporary.store, probe)) found.push(finding);
    return found;
  }

  /** A Job of this store, of an attempt that is over or not. */
  function job(name: string, over: boolean): void {
    const folder = join(temporary.folder, name);
    mkdirSync(folder);
    if (over) writeFileSync(join(folder, 'evidence.json'), '{}');
    const labels = { 'app.kubernetes.io/managed-by': 'lethe', 'lethe.dev/store': temporary.store.id };
    server.put('jobs', { metadata: { name, labels, annotations: { 'lethe.dev/attempt-folder': folder } }, spec: {} });
  }

  it('finds nothing to mend where all is well', async () => {
    job('a', false);
    expect(await findings()).toEqual([
      { what: 'cluster', level: 'good', found: 'Kubernetes v1.34.4, namespace lethe' },
      { what: 'rights', level: 'good', found: 'all 10 that jobs need' },
      { what: 'volume', level: 'good', found: 'claim store is bound' },
      { what: 'image', level: 'note', found: 'x, not tried', fix: '"lethe doctor --probe" runs it once' },
      { what: 'jobs', level: 'good', found: '1 in the cluster at work or waiting, 0 ended' },
    ]);
  });

  it('names each right that is missing', async () => {
    refused = ['delete jobs', 'get pods'];
    const rights = (await findings()).find(({ what }) => what === 'rights');
    expect(rights).toMatchObject({ level: 'bad', found: 'lacks delete batch/jobs, get pods/log' });
  });

  it('finds a claim that is not bound, a queue that is not there, a Job of an attempt that is over', async () => {
    server.put('persistentvolumeclaims', { metadata: { name: 'store' }, status: { phase: 'Pending' } });
    job('left', true);
    const bad = (await findings({ defaults: { queue: 'small' } })).filter(({ level }) => level === 'bad');
    expect(bad.map(({ found }) => found)).toEqual([
      'claim store: Pending',
      'no LocalQueue small in namespace lethe',
      'Job left goes on, its attempt is over',
    ]);
    expect(bad.every(({ fix }) => fix !== undefined)).toBe(true);
  });

  it('asks for the right to see why a job waits only where jobs wait in queues', async () => {
    refused = ['list workloads'];
    const rights = async (written: object) => (await findings(written)).find(({ what }) => what === 'rights');
    expect(await rights({})).toMatchObject({ level: 'good' });
    expect(await rights({ defaults: { queue: 'small' } })).toMatchObject({
      level: 'bad',
      found: 'lacks list kueue.x-k8s.io/workloads',
      fix: expect.stringMatching(/overlays\/kueue/),
    });
  });

  it('notes a volume that one node alone can have', async () => {
    server.put('persistentvolumeclaims', {
      metadata: { name: 'store' },
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'] },
    });
    const volume = (await findings()).find(({ what }) => what === 'volume');
    expect(volume).toMatchObject({ level: 'note', found: 'claim store is bound, ReadWriteOnce' });
  });

  it('compares what scales ask of devices with what nodes have', async () => {
    nodes = [{ status: { allocatable: { 'nvidia.com/gpu': '2' } } }, { status: { allocatable: {} } }];
    const devices = async (gpus: number) =>
      (await findings({ scales: [{ upTo: '1B', gpus }] })).find(({ what }) => what === 'devices');
    expect(await devices(2)).toMatchObject({ level: 'good' });
    expect(await devices(4)).toMatchObject({
      level: 'bad',
      found: 'nvidia.com/gpu: a job asks for up to 4, the largest of 2 nodes has 2',
    });
  });

  it('runs the image once when it is asked to, and says what it is', async () => {
    const ended = (numerics: number) => ({
      pod: { metadata: { name: 'p', uid: 'u' }, spec: { nodeName: 'n1' }, status: { phase: 'Succeeded' } },
      log: { version: '1.0', numerics, cpu: 'avx2' },
    });
    const image = async () => (await findings({}, true)).find(({ what }) => what === 'image');
    probed = ended(NUMERICS_VERSION);
    const found = `x runs on n1: trainer 1.0, numerics ${NUMERICS_VERSION}, avx2`;
    expect(await image()).toEqual({ what: 'image', level: 'good', found });
    probed = ended(NUMERICS_VERSION + 1);
    expect(await image()).toMatchObject({ level: 'bad', fix: expect.stringMatching(/image of this release/) });
    expect(server.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
  });

  it('says why an image did not run', async () => {
    const waiting = { waiting: { reason: 'ErrImagePull', message: 'no such host' } };
    const status = { phase: 'Pending', containerStatuses: [{ state: waiting }] };
    probed = { pod: { metadata: { name: 'p', uid: 'u' }, spec: { nodeName: 'n1' }, status }, log: {} };
    const image = (await findings({}, true)).find(({ what }) => what === 'image');
    expect(image).toMatchObject({ level: 'bad', found: 'x did not run: ErrImagePull: no such host' });
  });

  it('takes what the Role of a worker does not grant for no finding, and says how another sees it', async () => {
    const { fault } = server;
    server.fault = (asked) =>
      /persistentvolumeclaims|nodes|localqueues/.test(asked.path) ? { kind: 'answer', status: 403 } : fault(asked);
    const found = await findings({ defaults: { queue: 'small', gpus: 1 } });
    expect(found.filter(({ level }) => level === 'bad')).toEqual([]);
    const told = Object.fromEntries(found.filter(({ level }) => level === 'note').map(({ what, fix }) => [what, fix]));
    expect(told).toMatchObject({
      volume: 'from where you may: kubectl -n lethe get pvc store',
      devices: 'from where you may: kubectl describe nodes',
      queue: 'from where you may: kubectl -n lethe get localqueue small',
    });
  });

  it('takes Jobs that it may not list for no finding', async () => {
    const { fault } = server;
    server.fault = (asked) =>
      asked.method === 'GET' && asked.path.endsWith('/jobs') ? { kind: 'answer', status: 403 } : fault(asked);
    const jobs = (await findings()).find(({ what }) => what === 'jobs');
    expect(jobs).toMatchObject({ level: 'note', found: expect.stringMatching(/could not be looked at/) });
  });

  it('says that the server cannot be reached, and nothing that it could not see', async () => {
    server.fault = () => ({ kind: 'reset' });
    const found = await findings();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ what: 'cluster', level: 'bad', fix: expect.stringMatching(/jobs run on/) });
  });
});
