import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { quick, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

describe('a sweep', () => {
  it('trains every stage once and ends with the verdict', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2], arms: ['forgetting', 'unsafe-review'] });
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    const end = await awaitSweep(world.lethe, sweep);
    expect(end).toMatchObject({
      status: 'completed',
      outcome: {
        stages: plan.stages.length,
        done: plan.stages.length,
        verdict: 'UNLEARNED',
        missingRuns: [],
        parked: [],
      },
    });
    expect(plan.stages.map((stage) => world.starts(stage))).toEqual(plan.stages.map(() => 1));
  });
});
