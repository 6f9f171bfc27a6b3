import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statOf } from '../../src/artifacts/small-files.ts';
import { readSweep } from '../../src/artifacts/stored-sweeps.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { OTHER_PLAN } from '../../src/experiment/store-errands.ts';
import { errandWorkflowId } from '../../src/experiment/workflow-ids.ts';
import { collectStoreGarbage, freezeSweepRemotely } from '../../src/temporal/store-errands.ts';
import { World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.work();
});
afterEach(async () => {
  await world.end();
});

/** What the command line asks of a store that it cannot reach. */
async function freezeRequest() {
  const { id: sweepId, planHash, path, text, models } = await loadSweep('smoke');
  return { sweepId, planHash, path, text, models };
}

describe('errands to a store that only its worker reaches', () => {
  it('freezes the plan that was made elsewhere, as often as it is asked', async () => {
    const request = await freezeRequest();
    const { lethe, store } = world;
    await freezeSweepRemotely(lethe, store.id, request);
    await freezeSweepRemotely(lethe, store.id, request);
    expect(await store.sweepIds()).toEqual([request.sweepId]);
    expect((await readSweep(store, request.sweepId)).planHash).toBe(request.planHash);
    await world.record('errand-freeze', errandWorkflowId(store.id, `freeze~${request.sweepId}`));
  });

  it('freezes nothing when the worker makes another plan of the file', async () => {
    const request = { ...(await freezeRequest()), planHash: '0'.repeat(64) };
    const asked = freezeSweepRemotely(world.lethe, world.store.id, request);
    await expect(asked).rejects.toMatchObject({ name: 'ErrandFailed', type: OTHER_PLAN });
    expect(await world.store.sweepIds()).toEqual([]);
  });

  it('says what no plan needs, and removes it when it is asked to', async () => {
    const { lethe, store } = world;
    const folder = join(store.stagesPath, 'ab'.repeat(32));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'run.json'), 'nobody plans it');
    const found = await collectStoreGarbage(lethe, store.id, { dryRun: true });
    expect(found).toMatchObject({ freed: 0, found: [{ bytes: found.bytes }] });
    expect(await statOf(folder)).toBeDefined();
    expect(await collectStoreGarbage(lethe, store.id, { dryRun: false })).toMatchObject({ freed: found.bytes });
    expect(await statOf(folder)).toBeUndefined();
    await world.record('errand-garbage', errandWorkflowId(store.id, 'collect-garbage'));
  });
});
