import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hangs, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import {
  awaitSweep,
  cancelSweep,
  describeSweep,
  pauseSweep,
  resumeSweep,
  startSweep,
  sweepOverview,
} from '../../src/temporal/sweep-client.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { eventually, quick, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

/** The named stage runs until it is stopped, on its first attempt. */
function hangOnce(label: string): void {
  world.behaviours.set(label, (attempt) => (attempt === 1 ? { ...hangs(), checkpointStep: 5 } : succeeds()));
}

describe('a cancelled sweep', () => {
  it('ends when its jobs have written their checkpoints, at no charge, and goes on when it is started again', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    hangOnce(first.label);
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await cancelSweep(world.lethe, sweep);
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'cancelled' });
    const { evidence } = await world.store.stage(first.key).history();
    expect(evidence).toMatchObject([{ outcome: 'stopped', checkpointStep: 5 }]);
    expect(await world.store.stage(first.key).attempt(1).stop()).toMatchObject({ charge: 'none' });
    expect(await startSweep(world.lethe, sweep)).toMatchObject({ how: 'started' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
  });

  it('leaves a stage to the sweep that waits for it', async () => {
    const one = await world.freeze({ name: 'one' });
    const two = await world.freeze({ name: 'two', arms: ['forgetting', 'unsafe-review'] });
    const shared = stageOf(one.plan, 'align');
    expect(two.plan.stages.some(({ key }) => key === shared.key)).toBe(true);
    hangOnce(shared.label);
    await world.work();
    await startSweep(world.lethe, one.sweep);
    await world.runningAttempt(shared, 1);
    await startSweep(world.lethe, two.sweep);
    await eventually(
      async () => (await sweepOverview(world.lethe, two.sweep)).running.length === 1,
      'the second to wait',
    );
    await cancelSweep(world.lethe, one.sweep);
    expect(await awaitSweep(world.lethe, one.sweep)).toMatchObject({ status: 'cancelled' });
    expect(await awaitSweep(world.lethe, two.sweep)).toMatchObject({ status: 'completed' });
    expect(world.starts(shared)).toBe(2);
    await world.record('sweep-cancelled', world.sweepId(one.sweep));
    await world.record('sweep-that-took-over', world.sweepId(two.sweep));
  });

  it('does not stop a stage that another sweep started', async () => {
    const one = await world.freeze({ name: 'one' });
    const two = await world.freeze({ name: 'two', arms: ['forgetting', 'unsafe-review'] });
    const shared = stageOf(one.plan, 'align');
    world.behaviours.set(shared.label, () => ({ end: { kind: 'exit', afterMs: 4_000, code: 0 } }));
    await world.work();
    await startSweep(world.lethe, one.sweep);
    await world.runningAttempt(shared, 1);
    await startSweep(world.lethe, two.sweep);
    await eventually(
      async () => (await sweepOverview(world.lethe, two.sweep)).running.length === 1,
      'the second to wait',
    );
    await cancelSweep(world.lethe, two.sweep);
    expect(await awaitSweep(world.lethe, two.sweep)).toMatchObject({ status: 'cancelled' });
    expect(await awaitSweep(world.lethe, one.sweep)).toMatchObject({ status: 'completed' });
    expect(world.starts(shared)).toBe(1);
  });
});

describe('two sweeps that need the same stages', () => {
  it('train each of them once', async () => {
    const one = await world.freeze({ name: 'one', seeds: [1, 2] });
    const two = await world.freeze({ name: 'two', seeds: [1, 2], arms: ['forgetting', 'unsafe-review'] });
    await world.work();
    await Promise.all([one, two].map(({ sweep }) => startSweep(world.lethe, { ...sweep, schedule: quick })));
    const ends = await Promise.all([one, two].map(({ sweep }) => awaitSweep(world.lethe, sweep)));
    expect(ends).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
    expect(two.plan.stages.map((stage) => world.starts(stage))).toEqual(two.plan.stages.map(() => 1));
  });
});

describe('a paused sweep', () => {
  it('starts nothing new, lets what runs go on, and stays paused when it is started again', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ end: { kind: 'exit', afterMs: 1_500, code: 0 } }));
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    expect(await pauseSweep(world.lethe, sweep, { now: false, by: 'a test' })).toEqual({ running: [first.label] });
    await eventually(
      async () => (await world.store.stage(first.key).result()) !== undefined,
      'the running stage to end',
    );
    await eventually(async () => (await sweepOverview(world.lethe, sweep)).done === 1, 'the sweep to know');
    expect(await sweepOverview(world.lethe, sweep)).toMatchObject({ phase: 'paused', running: [] });

    await world.lethe.client.workflow.getHandle(world.sweepId(sweep)).terminate('a test');
    await startSweep(world.lethe, sweep);
    await eventually(
      async () => (await sweepOverview(world.lethe, sweep)).phase === 'paused',
      'the pause to be remembered',
    );
    expect(await sweepOverview(world.lethe, sweep)).toMatchObject({ running: [], done: 1 });
    await resumeSweep(world.lethe, sweep, { by: 'a test' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
  });

  it('with --now stops its jobs after a checkpoint, at no charge, and goes on from there', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    hangOnce(first.label);
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await pauseSweep(world.lethe, sweep, { now: true, by: 'a test' });
    await eventually(
      async () => (await world.store.stage(first.key).attempt(1).evidence()) !== undefined,
      'the job to stop',
    );
    expect(await world.store.stage(first.key).attempt(1).evidence()).toMatchObject({
      outcome: 'stopped',
      checkpointStep: 5,
    });
    await eventually(async () => (await sweepOverview(world.lethe, sweep)).running.length === 0, 'the stage to wait');
    await resumeSweep(world.lethe, sweep, { by: 'a test' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed', outcome: { parked: [] } });
    await world.record('sweep-paused-and-resumed', world.sweepId(sweep));
  });
});

describe('a stage whose workflow was ended by hand', () => {
  it('is started again when it was terminated, and its job is adopted, not started twice', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ end: { kind: 'exit', afterMs: 3_000, code: 0 } }));
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await world.lethe.client.workflow.getHandle(world.stageId(first)).terminate('a test');
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    expect(world.starts(first)).toBe(1);
  });

  it('is parked when it was cancelled, until a person says go on', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    hangOnce(first.label);
    await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await world.lethe.client.workflow.getHandle(world.stageId(first)).cancel();
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({
      status: 'settled',
      outcome: { parked: [{ label: first.label, class: 'cancelled by hand' }] },
    });
    await resumeSweep(world.lethe, sweep, { by: 'a test' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
  });
});

describe('a worker that goes away', () => {
  it('leaves its jobs running, and the next one adopts them', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ end: { kind: 'exit', afterMs: 4_000, code: 0 } }));
    const stop = await world.work();
    await startSweep(world.lethe, sweep);
    await world.runningAttempt(first, 1);
    await stop();
    expect(await describeSweep(world.lethe, sweep)).toMatchObject({ status: 'running' });
    expect(await world.store.stage(first.key).attempt(1).stop()).toBeUndefined();
    await world.work();
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    expect(world.starts(first)).toBe(1);
  });
});
