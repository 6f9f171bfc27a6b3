import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/examinations.ts';
import { examineCluster } from '../../src/cli/doctor/examine-cluster.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { FakeApiServer, type Fault } from '../jobs/kubernetes/support/fake-api-server.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';

describe('the doctor of a cluster', () => {
  let server: FakeApiServer;
  let temporary: TemporaryStore;
  let refused: readonly string[];
  beforeEach(async () => {
    server = await FakeApiServer.start();
    temporary = await temporaryStore();
    refused = [];
    server.fault = ({ path, body }): Fault | undefined => {
      const answer = (value: object): Fault => ({ kind: 'answer', status: 200, text: JSON.stringify(value) });
      if (path === '/version') return answer({ gitVersion: 'v1.34.4' });
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

  async function findings(written: object = {}): Promise<Finding[]> {
    const settings = parseClusterSettings({ image: 'x', store: { claim: 'store' }, ...written }, 'test');
    const api = new ApiClient(server.connection, { callMs: 5_000, patienceMs: 0 });
    const found: Finding[] = [];
    for await (const finding of examineCluster(api, settings, temporary.store)) found.push(finding);
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

  it('says that the server cannot be reached, and nothing that it could not see', async () => {
    server.fault = () => ({ kind: 'reset' });
    const found = await findings();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ what: 'cluster', level: 'bad', fix: expect.stringMatching(/jobs run on/) });
  });
});
