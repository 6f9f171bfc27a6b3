import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { storeExists, whenIdle } from '../../src/cli/idle-watch.ts';
import { EMBEDDED } from '../../src/cli/session.ts';

/** A world whose clock moves ten minutes a look; `busy` says for each look whether something goes on. */
async function setup(busy: readonly (boolean | 'unknown')[], gone = Number.POSITIVE_INFINITY) {
  let look = -1;
  const reason = await whenIdle({
    isBusy: async () => {
      const now = busy[look] ?? false;
      if (now === 'unknown') throw new Error('the server does not answer');
      return now;
    },
    storeExists: async () => {
      look += 1;
      return look < gone;
    },
    idleMs: 3_600_000,
    lookEveryMs: 0,
    signal: AbortSignal.timeout(5_000),
    now: () => Math.max(0, look) * 600_000,
  });
  return { reason, looks: look };
}

describe('the embedded processes', () => {
  it('end after an hour without anything to do', async () => {
    expect(await setup([])).toEqual({ reason: 'nothing to do for 60 min', looks: 6 });
  });

  it('start to count anew whenever something goes on', async () => {
    expect(await setup([false, false, false, true])).toEqual({ reason: 'nothing to do for 60 min', looks: 9 });
  });

  it('stay while it cannot be told whether something goes on', async () => {
    expect(
      (await setup(['unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown'])).looks,
    ).toBe(13);
  });

  it('end at once when their store is gone', async () => {
    expect(await setup([true, true, true], 2)).toEqual({ reason: 'the store is gone', looks: 2 });
  });
});

describe('a store', () => {
  it('is gone when it was removed, and when another one stands in its place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-idle-'));
    const store = await Store.create(join(folder, 'store'), EMBEDDED);
    expect(await storeExists(store)).toBe(true);
    rmSync(store.path, { recursive: true });
    expect(await storeExists(store)).toBe(false);
    await Store.create(store.path, EMBEDDED);
    expect(await storeExists(store)).toBe(false);
    rmSync(folder, { recursive: true });
  });
});
