import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awaitSweep, describeSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { SweepKeeper } from '../../src/temporal/sweep-keeper.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { eventually, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

async function release(name: string): Promise<{ readonly codePath: string }> {
  const workflowsPath = fileURLToPath(new URL(`./releases/${name}.ts`, import.meta.url));
  const codePath = join(world.store.path, `${name}.js`);
  await writeFile(codePath, (await bundleWorkflowCode({ workflowsPath })).code);
  return { codePath };
}

describe('a new release whose workflows differ', () => {
  it('starts a stage again that it cannot replay, and adopts its job', async () => {
    const workflows = await release('other-stage');
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ end: { kind: 'exit', afterMs: 5_000, code: 0 } }));
    const stop = await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await stop();
    await world.work({ workflows });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed', outcome: { parked: [] } });
    expect(world.starts(first)).toBe(1);
  });

  it('starts a sweep again that it cannot replay', async () => {
    const workflows = await release('other-sweep');
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ end: { kind: 'exit', afterMs: 5_000, code: 0 } }));
    const stop = await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: { parallel: 3 } });
    await world.runningAttempt(first, 1);
    await stop();
    await world.work({ workflows });
    await eventually(
      async () => (await describeSweep(world.lethe, sweep)).status === 'ended',
      'the old execution to end',
    );
    expect(await describeSweep(world.lethe, sweep)).toMatchObject({ end: { status: 'failed' } });
    expect((await new SweepKeeper(world.lethe, world.store).look()).startedAgain).toEqual([sweep.sweepId]);
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    expect(world.starts(first)).toBe(1);
  });
});

describe('the histories of an ended sweep', () => {
  it('are copied into the store, its own and those of its stages, once', async () => {
    const { sweep, plan } = await world.freeze();
    await world.work();
    await startSweep(world.lethe, sweep);
    await awaitSweep(world.lethe, sweep);
    const keeper = new SweepKeeper(world.lethe, world.store);
    const folder = join(world.store.sweepPath(sweep.sweepId), 'history');
    // The server lists what has ended a moment after its end.
    const copies = async () => {
      await keeper.look();
      return (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).length;
    };
    await eventually(async () => (await copies()) > plan.stages.length, 'every history in the store');
    expect((await keeper.look()).copied).toBe(0);
    const names = await readdir(folder);
    expect(names).toHaveLength(1 + plan.stages.length);
    const own = names.find((name) => name.includes(sweep.sweepId)) ?? '';
    const history = JSON.parse(await readFile(join(folder, own), 'utf8'));
    expect(history.events.at(-1).eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED');
  });
});
