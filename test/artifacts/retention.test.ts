import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resultOf } from '../../src/artifacts/lineage.ts';
import { bytesOf, garbageOf, removableOf, remove } from '../../src/artifacts/retention.ts';
import { NOW, StageWorld } from './support/stage-world.ts';

let world: StageWorld;
beforeEach(async () => {
  world = await StageWorld.create();
});
afterEach(() => world.remove());

async function removedPaths(): Promise<string[]> {
  const removable = await removableOf(world.stage);
  return removable.map(({ path }) => path.slice(world.stage.path.length + 1)).sort();
}

describe('what a stage keeps', () => {
  it('is everything while an attempt is under way', async () => {
    const writer = await world.writer(1, 'w');
    for (const step of [10, 20]) await writer.checkpoint(step);
    await world.over(1);
    await world.job(2, 4);
    expect(await removableOf(world.stage)).toEqual([]);
  });

  it('is the newest whole checkpoint once the attempt is over', async () => {
    const first = await world.writer(1, 'first');
    for (const step of [10, 15]) await first.checkpoint(step);
    const second = await world.writer(1, 'second', '1/first/step-000015');
    for (const step of [0, 20]) await second.scores(step);
    for (const step of [20, 30]) await second.checkpoint(step);
    await second.write('checkpoints/step-000030/model.safetensors', 'model.safetensors of step 31');
    await world.over(1);
    expect(await removedPaths()).toEqual([
      'attempts/1/first/checkpoints/step-000010',
      'attempts/1/first/checkpoints/step-000015',
      'attempts/1/second/checkpoints/step-000030',
    ]);
  });

  it('includes the checkpoints of anchors that the chain has not scored yet', async () => {
    const writer = await world.writer(1, 'w');
    await writer.scores(0);
    for (const step of [10, 20, 30]) await writer.checkpoint(step);
    await world.over(1);
    expect(await removedPaths()).toEqual(['attempts/1/w/checkpoints/step-000010']);
    await writer.scores(20);
    expect(await removedPaths()).toEqual([
      'attempts/1/w/checkpoints/step-000010',
      'attempts/1/w/checkpoints/step-000020',
    ]);
  });

  it('is everything when no checkpoint is whole', async () => {
    const writer = await world.writer(1, 'w');
    await writer.checkpoint(10);
    await writer.write('checkpoints/step-000010/model.safetensors', 'cut');
    await world.over(1);
    expect(await removableOf(world.stage)).toEqual([]);
  });

  it('is the final weights and the scores once it is done', async () => {
    const writer = await world.writer(1, 'w');
    for (const step of [0, 20, 40]) {
      await writer.checkpoint(step);
      await writer.scores(step);
    }
    await writer.outcome(0, 40);
    await world.stage.publishResult(await resultOf(world.stage, 1, NOW));
    await world.over(1, { outcome: 'succeeded' });
    const before = await bytesOf(world.stage.path);
    const removable = await removableOf(world.stage);
    const freed = await remove(removable);
    expect(freed).toBeGreaterThan(0);
    expect(await bytesOf(world.stage.path)).toBe(before - freed);
    const checkpoint = world.stage.attempt(1).writer('w').checkpointPath(40);
    expect(
      ['model.safetensors', 'optimizer.safetensors', 'manifest.json'].map((name) =>
        existsSync(`${checkpoint}/${name}`),
      ),
    ).toEqual([true, false, true]);
    expect(await removableOf(world.stage)).toEqual([]);
    // An adapter for PEFT lies beside the weights that it was merged into.
    for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
      await writer.write(`checkpoints/step-000040/${name}`, name);
    expect(await removableOf(world.stage)).toEqual([]);
    // What is left is enough to make the same result again.
    expect(await resultOf(world.stage, 1, NOW)).toEqual(await world.stage.result());
  });
});

describe('the garbage of a store', () => {
  it('is whole stages that no plan names, never one whose attempt is under way', async () => {
    await world.job(1, 4);
    expect(await garbageOf(world.store, new Set())).toEqual([]);
    await world.over(1);
    expect(await garbageOf(world.store, new Set([world.stage.key]))).toEqual([]);
    const garbage = await garbageOf(world.store, new Set());
    expect(garbage.map(({ path }) => path)).toEqual([world.stage.path]);
    await remove(garbage);
    await remove(garbage);
    expect(await world.store.stageKeys()).toEqual([]);
  });
});
