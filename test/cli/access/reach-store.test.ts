import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claimOf, reachCluster, reachStore } from '../../../src/cli/access/reach-store.ts';
import { recallStore, rememberStore } from '../../../src/cli/access/remembered-store.ts';

// The library of the cluster takes seconds to load on a busy machine.
describe('which store is meant', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-reach-'));
    vi.stubEnv('XDG_STATE_HOME', folder);
    vi.stubEnv('LETHE_STORE', '');
    vi.stubEnv('LETHE_TEMPORAL_ADDRESS', '');
    vi.stubEnv('KUBECONFIG', kubeconfig('config', 'a', 'b'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  function kubeconfig(name: string, ...contexts: readonly string[]): string {
    const file = join(folder, name);
    const config = {
      clusters: contexts.map((each) => ({ name: each, cluster: { server: `https://${each}` } })),
      users: [{ name: 'me', user: { token: 'x' } }],
      contexts: contexts.map((each) => ({
        name: each,
        context: { cluster: each, user: 'me', namespace: `in-${each}` },
      })),
      'current-context': contexts[0],
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  it('is a folder unless a claim is named', async () => {
    expect(await claimOf({ store: '/data' })).toBeUndefined();
    expect(await claimOf({ store: 'pvc:lethe-store' })).toBe('lethe-store');
    vi.stubEnv('LETHE_STORE', 'pvc:other');
    expect(await claimOf({})).toBe('other');
    await expect(claimOf({ store: 'pvc:Not/A/Claim' })).rejects.toThrow(/expected pvc:NAME/);
    await expect(claimOf({ store: 'pvc:lethe-store', on: 'local' })).rejects.toThrow(/--on local/);
  });

  it('with --on kubernetes alone is the one that was used last', async () => {
    await expect(claimOf({ on: 'kubernetes' })).rejects.toThrow(/expected --store pvc:NAME/);
    await rememberStore({ claim: 'first' });
    expect(await claimOf({ on: 'kubernetes' })).toBe('first');
    expect(await claimOf({ on: 'kubernetes', store: '/mnt/store' })).toBeUndefined();
  });

  it('keeps the way: flags first, then what was remembered, then the kubeconfig', async () => {
    const first = await reachCluster('lethe-store', { temporal: '127.0.0.1:1', namespace: 'ml' });
    expect(first.remembered).toMatchObject({ context: 'a', namespace: 'ml', temporal: '127.0.0.1:1' });
    await rememberStore({ ...first.remembered, storeId: 's' });
    vi.stubEnv('KUBECONFIG', kubeconfig('config', 'b', 'a'));
    const later = await reachCluster('lethe-store', {});
    expect(later.remembered).toMatchObject({ context: 'a', namespace: 'ml', temporal: '127.0.0.1:1', storeId: 's' });
    const elsewhere = await reachCluster('lethe-store', { context: 'b' });
    expect(elsewhere.remembered).toMatchObject({ context: 'b', temporal: '127.0.0.1:1' });
    expect(elsewhere.remembered).not.toHaveProperty('storeId');
  });

  it('forgets nothing but a record that cannot be read', async () => {
    await rememberStore({ claim: 'lethe-store', namespace: 'ml' });
    expect(await recallStore('lethe-store')).toEqual({ claim: 'lethe-store', namespace: 'ml' });
    writeFileSync(join(folder, 'lethe', 'clusters', 'lethe-store.json'), '{"claim":');
    expect(await recallStore('lethe-store')).toEqual({ claim: 'lethe-store' });
  });

  it('takes no way into a cluster for a folder', async () => {
    await expect(reachStore({ store: folder, namespace: 'ml' }, () => {})).rejects.toThrow(
      /--namespace: expected together/,
    );
  });
});
