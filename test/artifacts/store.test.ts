import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NoStore, Store, StoreOfAnotherServer } from '../../src/artifacts/store.ts';

const TEMPORAL = { address: 'localhost:7233', namespace: 'lethe' };
const KEY = 'ab'.repeat(32);

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'lethe-store-')), 'store');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

describe('a store', () => {
  it('gets a random id once, and keeps it', async () => {
    const [made, again] = await Promise.all([Store.create(folder, TEMPORAL), Store.create(folder, TEMPORAL)]);
    expect(made.id).toMatch(/^[0-9a-f]{32}$/);
    expect(again.id).toBe(made.id);
    expect((await Store.open(folder)).id).toBe(made.id);
  });

  it('keeps its server when it is created again for another', async () => {
    await Store.create(folder, TEMPORAL);
    const again = await Store.create(folder, { address: 'elsewhere:7233', namespace: 'lethe' });
    expect(again.temporal).toEqual(TEMPORAL);
  });

  it('is not found in a folder without store.json', async () => {
    await expect(Store.open(folder)).rejects.toThrow(NoStore);
  });

  it('refuses another server until it is adopted', async () => {
    const other = { address: 'elsewhere:7233', namespace: 'lethe' };
    const store = await Store.create(folder, TEMPORAL);
    store.requireServer(TEMPORAL);
    expect(() => store.requireServer(other)).toThrow(StoreOfAnotherServer);
    expect(() => store.requireServer({ ...TEMPORAL, namespace: 'default' })).toThrow('lethe store adopt');
    const adopted = await store.adopt(other);
    adopted.requireServer(other);
    expect(await Store.open(folder)).toMatchObject({ id: store.id, temporal: other });
  });

  it('never leads outside of itself', async () => {
    const store = await Store.create(folder, TEMPORAL);
    expect(() => store.stage('../../etc')).toThrow('expected a stage key of 64 hex digits, got "../../etc"');
    expect(() => store.dataPath('..')).toThrow(RangeError);
    expect(() => store.modelPath('../x')).toThrow(RangeError);
    expect(() => store.sweepPath('a/../b~0123456789ab')).toThrow(RangeError);
    expect(store.sweepPath('quickstart~0123456789ab')).toBe(join(folder, 'sweeps/quickstart~0123456789ab'));
  });

  it('lists the stages that have a folder', async () => {
    const store = await Store.create(folder, TEMPORAL);
    expect(await store.stageKeys()).toEqual([]);
    await store.stage(KEY).addOverride({ by: 'test', at: 'now' });
    expect(await store.stageKeys()).toEqual([KEY]);
  });
});
