import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineFolder, type Finding } from '../../src/cli/doctor/examinations.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { FakeApiServer } from '../jobs/kubernetes/support/fake-api-server.ts';
import { type TemporaryStore, temporaryStore } from '../jobs/support/temporary-store.ts';

describe('the doctor of a store in a folder whose jobs run in a cluster', () => {
  let server: FakeApiServer;
  let temporary: TemporaryStore;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    server.fault = ({ path }) => {
      if (path === '/version') return { kind: 'answer', status: 200, text: '{"gitVersion":"v1.34.4"}' };
      const allowed = '{"status":{"allowed":true}}';
      return path.endsWith('selfsubjectaccessreviews') ? { kind: 'answer', status: 200, text: allowed } : undefined;
    };
    temporary = await temporaryStore();
  });
  afterEach(async () => {
    await server.stop();
    await temporary.remove();
  });

  async function findings(folder: string): Promise<Finding[]> {
    const kubeconfig = join(temporary.folder, 'kubeconfig');
    const written = {
      clusters: [{ name: 'c', cluster: { server: server.connection.server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'lethe' } }],
      'current-context': 'c',
    };
    writeFileSync(kubeconfig, JSON.stringify(written));
    const settings = parseClusterSettings({ kubeconfig, image: 'x', store: { claim: 'store' } }, 'test');
    const found: Finding[] = [];
    for await (const finding of examineFolder(folder, { settings })) found.push(finding);
    return found;
  }

  it('asks this machine neither for a trainer nor for a Temporal server that run elsewhere', async () => {
    const names = (await findings(temporary.store.path)).map(({ what }) => what);
    expect(names).not.toContain('native build');
    expect(names).not.toContain('Temporal');
    expect(names).toEqual(expect.arrayContaining(['store', 'files', 'cluster', 'rights', 'volume', 'image']));
  });

  it('looks at a fresh volume and at the cluster before there is a store', async () => {
    const folder = join(temporary.folder, 'fresh');
    mkdirSync(folder);
    const found = await findings(folder);
    const of = (what: string) => found.find((finding) => finding.what === what);
    expect(of('store')).toMatchObject({ level: 'note', found: expect.stringMatching(/^none at /) });
    expect(of('files')).toMatchObject({ level: 'good' });
    expect(of('rights')).toMatchObject({ level: 'good' });
    expect(of('volume')).toMatchObject({ level: 'bad', found: 'claim store: no such claim' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
