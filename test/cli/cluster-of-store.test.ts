import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { clusterDigest, clusterOfStore, placeJobs, requirePlace } from '../../src/cli/cluster-of-store.ts';
import { BadInput } from '../../src/cli/exit-codes.ts';

describe('the place of the jobs of a store', () => {
  let folder: string;
  let store: Store;
  let file: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-place-'));
    store = await Store.create(join(folder, 'store'), { address: 'localhost:7233', namespace: 'test' });
    file = join(folder, 'cluster.yaml');
    writeFileSync(file, 'image: localhost/trainer:1\nstore: { claim: store }\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is this machine until something else was said', async () => {
    expect(await clusterOfStore(store.path)).toBeUndefined();
    expect(await requirePlace({}, store)).toBeUndefined();
    expect(clusterDigest(store.path)).toBeUndefined();
  });

  it('stays a cluster after its settings file is gone, until local is asked for', async () => {
    await placeJobs(store, { on: 'kubernetes', cluster: file });
    rmSync(file);
    await placeJobs(store, {});
    await placeJobs(store, { on: 'kubernetes' });
    expect(await requirePlace({}, store)).toMatchObject({ image: 'localhost/trainer:1' });
    expect(await requirePlace({ on: 'local' }, store)).toBeUndefined();
    await placeJobs(store, { on: 'local' });
    expect(await clusterOfStore(store.path)).toBeUndefined();
  });

  it('is another place when its settings change', async () => {
    await placeJobs(store, { on: 'kubernetes', cluster: file });
    const before = clusterDigest(store.path);
    writeFileSync(file, 'image: localhost/trainer:2\nstore: { claim: store }\n');
    await placeJobs(store, { on: 'kubernetes', cluster: file });
    expect(clusterDigest(store.path)).not.toBe(before);
  });

  it('is refused as bad input when its settings are wrong', async () => {
    writeFileSync(file, 'image: localhost/trainer:1\n');
    await expect(requirePlace({ on: 'kubernetes', cluster: file }, store)).rejects.toThrow(BadInput);
    await expect(requirePlace({ on: 'kubernetes', cluster: join(folder, 'none.yaml') }, store)).rejects.toThrow(
      /none\.yaml/,
    );
  });
});
