import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fails, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import { awaitSweep, pauseSweep, resumeSweep, retryStages } from '../../src/temporal/sweep-client.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

describe('workflows that are replayed from the beginning for each of their tasks', () => {
  it('come to the same end through failures, a pause, a retry and a continue-as-new', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2], arms: ['forgetting', 'unsafe-review'] });
    const shaky = stageOf(plan, 'align', 1);
    const bad = stageOf(plan, 'finetune', 2);
    world.behaviours.set(shaky.label, (attempt) => (attempt === 1 ? fails(80, 'no memory') : succeeds(300)));
    world.behaviours.set(bad.label, (attempt) => (attempt === 1 ? fails(78, 'no batch') : succeeds()));
    await world.work({ cached: 0 });
    await world.startAsIs(sweep, { schedule: { parallel: 3 }, continueAfterEvents: 60 });
    await world.runningAttempt(shaky, 1);
    await pauseSweep(world.lethe, sweep, { now: false, by: 'a test' });
    await resumeSweep(world.lethe, sweep, { by: 'a test' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({
      status: 'settled',
      outcome: { parked: [{ label: bad.label }] },
    });
    await retryStages(world.lethe, sweep, { selection: { kind: 'failed' }, by: 'a test' });
    const end = await awaitSweep(world.lethe, sweep);
    expect(end).toMatchObject({ status: 'completed', outcome: { done: plan.stages.length, parked: [] } });
    expect(plan.stages.map((stage) => world.starts(stage))).toEqual(
      plan.stages.map((stage) => (stage === shaky || stage === bad ? 2 : 1)),
    );
  });
});
