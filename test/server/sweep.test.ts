import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hangs } from '../../src/jobs/fake/fake-behaviour.ts';
import { listStages } from '../../src/temporal/stage-rows.ts';
import { awaitSweep, describeSweep, startSweep, sweepOverview } from '../../src/temporal/sweep-client.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { eventually, quick, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

describe('a sweep', () => {
  it('trains every stage once, the ones that runs share too, and ends with the verdict', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1], arms: ['forgetting', 'unsafe-review', 'task-review'] });
    expect(plan.runs).toHaveLength(3);
    expect(plan.stages.filter(({ kind }) => kind === 'finetune')).toHaveLength(1);
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    const end = await awaitSweep(world.lethe, sweep);
    const stages = plan.stages.length;
    expect(end).toMatchObject({
      status: 'completed',
      outcome: {
        stages,
        done: stages,
        jobsStarted: stages,
        jobsReused: 0,
        verdict: 'UNLEARNED',
        missingRuns: [],
        parked: [],
      },
    });
    expect(plan.stages.map((stage) => world.starts(stage))).toEqual(plan.stages.map(() => 1));
    await world.record('sweep-completed', world.sweepId(sweep));
    await world.record('stage-completed', world.stageId(stageOf(plan, 'finetune')));
  });

  it('starts once, however often it is asked', async () => {
    const { sweep } = await world.freeze();
    const answers = await Promise.all([1, 2, 3].map(() => startSweep(world.lethe, sweep)));
    expect(new Set(answers.map(({ workflowId }) => workflowId)).size).toBe(1);
    await world.work();
    await awaitSweep(world.lethe, sweep);
    expect(await startSweep(world.lethe, sweep)).toMatchObject({ how: 'completed' });
  });

  it('starts no child workflow and no job for stages that an earlier plan finished', async () => {
    await world.work();
    const first = await world.freeze({ arms: ['forgetting'] });
    await startSweep(world.lethe, first.sweep);
    await awaitSweep(world.lethe, first.sweep);
    const second = await world.freeze({ arms: ['forgetting', 'unsafe-review'] });
    await startSweep(world.lethe, second.sweep);
    const end = await awaitSweep(world.lethe, second.sweep);
    expect(end).toMatchObject({
      status: 'completed',
      outcome: { jobsStarted: 1, jobsReused: first.plan.stages.length },
    });
    expect(await world.count('LetheSweep', second.sweep.sweepId, 'trainStage')).toBe(1);
  });

  it('costs at most 24 events a stage, and at most 9 of its own for each', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2, 3, 4], arms: ['forgetting', 'unsafe-review'] });
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    await awaitSweep(world.lethe, sweep);
    for (const stage of plan.stages) expect((await world.events(world.stageId(stage))).length).toBeLessThanOrEqual(24);
    const own = (await world.events(world.sweepId(sweep))).length;
    // A start and an end, each with its own task when nothing else happens at that moment; loading and finishing cost the same for any number of stages.
    expect(own).toBeLessThanOrEqual(40 + 9 * plan.stages.length);
  });

  it('keeps the text of examples out of every history', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1] });
    await world.work();
    await startSweep(world.lethe, sweep);
    await awaitSweep(world.lethe, sweep);
    const texts = new Set<string>();
    for (const { spec } of plan.stages) {
      for (const part of [spec.train, spec.score]) {
        for (const { prompt, response } of part === undefined ? [] : await world.examples(part.data.digest)) {
          texts.add(prompt).add(response);
        }
      }
    }
    expect(texts.size).toBeGreaterThan(20);
    const histories = await Promise.all(
      [world.sweepId(sweep), ...plan.stages.map((stage) => world.stageId(stage))].map((id) => world.historyText(id)),
    );
    for (const history of histories) for (const text of texts) expect(history).not.toContain(text);
  });

  it('shows each stage with its runs, and of a running one what its job does', async () => {
    const { sweep, plan } = await world.freeze();
    const first = stageOf(plan, 'align');
    world.behaviours.set(first.label, () => ({ ...hangs(), checkpointStep: 7 }));
    await world.work();
    await startSweep(world.lethe, sweep);
    const row = await eventually(async () => {
      const rows = await listStages(world.lethe, sweep);
      return rows.find(({ heartbeat }) => heartbeat?.state === 'running' && heartbeat.step !== undefined);
    }, 'a running stage with its step');
    expect(row).toMatchObject({
      stage: first.label,
      model: 'gpt2-d8',
      runs: ['gpt2-d8.forgetting.s1'],
      status: 'running',
      decision: 'started',
      heartbeat: { attempt: 1, step: 7, steps: 7, checkpoint: 7 },
    });
    expect(await sweepOverview(world.lethe, sweep)).toMatchObject({
      phase: 'scheduling',
      running: [first.label],
      done: 0,
    });
    expect(await world.count('LetheRuns', 'gpt2-d8.forgetting.s1', 'trainStage')).toBe(1);
  });

  it('goes on after a continue-as-new without training anything twice', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2, 3, 4, 5, 6], arms: ['forgetting'] });
    await world.work();
    await world.startAsIs(sweep, { schedule: { parallel: 3 }, continueAfterEvents: 30 });
    const end = await awaitSweep(world.lethe, sweep);
    const stages = plan.stages.length;
    expect(end).toMatchObject({ status: 'completed', outcome: { done: stages, jobsStarted: stages, jobsReused: 0 } });
    expect(plan.stages.map((stage) => world.starts(stage))).toEqual(plan.stages.map(() => 1));
    expect(await world.count('LetheSweep', sweep.sweepId, 'scaleSweep')).toBeGreaterThan(1);
    await world.record('sweep-after-continue-as-new', world.sweepId(sweep));
  });

  it('refuses a plan that is not the one it was started for, and says so', async () => {
    const { sweep } = await world.freeze();
    await world.work();
    await startSweep(world.lethe, { ...sweep, planHash: '0'.repeat(64) });
    const end = await awaitSweep(world.lethe, sweep);
    expect(end).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('expected a plan with hash 000000'),
    });
    expect(await describeSweep(world.lethe, sweep)).toMatchObject({ status: 'ended' });
  });
});
