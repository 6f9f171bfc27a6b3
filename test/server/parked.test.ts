import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fails, hangs, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import { awaitSweep, resumeSweep, retryStages, startSweep, sweepOverview } from '../../src/temporal/sweep-client.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { eventually, quick, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(async () => {
  await world.end();
});

const said = 'the run.json has no batch';

describe('a parked stage', () => {
  it('lets everything go on that does not need it, and settles with the missing runs and what to type', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2] });
    const bad = stageOf(plan, 'finetune', 1);
    world.behaviours.set(bad.label, () => fails(78, said));
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    const end = await awaitSweep(world.lethe, sweep);
    expect(end).toMatchObject({
      status: 'settled',
      outcome: {
        done: plan.stages.length - 2,
        missingRuns: ['gpt2-d8.forgetting.s1'],
        parked: [
          { label: bad.label, class: 'config', attempt: 1, command: `lethe retry ${sweep.sweepId}/${bad.label}` },
        ],
      },
    });
    const failure = await world.failureOf(world.stageId(bad));
    expect(failure).toMatchObject({ type: 'config', message: expect.stringContaining(said) });
    expect(failure.message).toContain(`lethe retry ${sweep.sweepId}/${bad.label}`);
    expect(await startSweep(world.lethe, sweep)).toMatchObject({ how: 'settled' });
    await world.record('sweep-settled', world.sweepId(sweep));
    await world.record('stage-parked', world.stageId(bad));
  });

  it('is trained again after a retry, which starts the settled sweep and redoes nothing else', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2] });
    const bad = stageOf(plan, 'finetune', 1);
    world.behaviours.set(bad.label, (attempt) => (attempt === 1 ? fails(78, said) : succeeds()));
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'settled' });
    const selection = { kind: 'runs', runs: ['gpt2-d8.forgetting.s1'] } as const;
    const answer = await retryStages(world.lethe, sweep, { selection, by: 'a test', overrides: { microBatch: 4 } });
    expect(answer.reopened).toEqual([bad.label]);
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed', outcome: { jobsStarted: 2 } });
    expect(world.starts(bad)).toBe(2);
    expect(await world.store.stage(bad.key).overrides()).toMatchObject([{ reopenedAfterAttempt: 1, microBatch: 4 }]);
    const job = await world.store.stage(bad.key).attempt(2).job();
    expect(job?.command.join(' ')).toContain('--micro-batch 4');
    await world.record('sweep-after-retry', world.sweepId(sweep));
  });

  it('is re-opened by resume when its class may have gone away by itself, and left alone otherwise', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2] });
    const crashed = stageOf(plan, 'finetune', 1);
    const wrong = stageOf(plan, 'finetune', 2);
    await world.execute(sweep, { retries: { crash: 0 } });
    world.behaviours.set(crashed.label, (attempt) => (attempt === 1 ? fails(70, 'a bug') : succeeds()));
    world.behaviours.set(wrong.label, () => fails(78, said));
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ outcome: { parked: [{}, {}] } });
    expect((await resumeSweep(world.lethe, sweep, { by: 'a test' })).reopened).toEqual([crashed.label]);
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({
      status: 'settled',
      outcome: { parked: [{ label: wrong.label }], missingRuns: ['gpt2-d8.forgetting.s2'] },
    });
  });

  it('is re-opened while the rest of the sweep goes on', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2] });
    const bad = stageOf(plan, 'align', 1);
    const slow = stageOf(plan, 'align', 2);
    world.behaviours.set(bad.label, (attempt) => (attempt === 1 ? fails(78, said) : succeeds()));
    world.behaviours.set(slow.label, () => ({ end: { kind: 'exit', afterMs: 4_000, code: 0 } }));
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    const overview = () => sweepOverview(world.lethe, sweep);
    await eventually(async () => (await overview()).parked.length === 1, 'the stage to be parked');
    expect(await overview()).toMatchObject({ parked: [{ label: bad.label }], blocked: 2, running: [slow.label] });
    const nothing = { kind: 'stages', stages: [slow.label] } as const;
    expect(await retryStages(world.lethe, sweep, { selection: nothing, by: 'a test' })).toEqual({
      reopened: [],
      untouched: [slow.label],
    });
    const stages = { kind: 'stages', stages: [bad.label] } as const;
    expect(await retryStages(world.lethe, sweep, { selection: stages, by: 'a test' })).toEqual({
      reopened: [bad.label],
      untouched: [],
    });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed', outcome: { parked: [] } });
    expect(await world.count('LetheSweep', sweep.sweepId, 'scaleSweep')).toBe(1);
  });

  it('of another sweep is parked here too, and what does not need it goes on', async () => {
    const one = await world.freeze({ name: 'one', seeds: [1] });
    const two = await world.freeze({ name: 'two', seeds: [1, 2] });
    const shared = stageOf(one.plan, 'align', 1);
    world.behaviours.set(shared.label, () => ({ end: { kind: 'exit', afterMs: 3_000, code: 78, sentence: said } }));
    await world.work();
    await startSweep(world.lethe, one.sweep);
    await world.runningAttempt(shared, 1);
    await startSweep(world.lethe, { ...two.sweep, schedule: quick });
    const end = await awaitSweep(world.lethe, two.sweep);
    expect(end).toMatchObject({
      status: 'settled',
      outcome: { done: 3, parked: [{ label: shared.label, class: 'config' }], missingRuns: ['gpt2-d8.forgetting.s1'] },
    });
    expect(world.starts(shared)).toBe(1);
  });

  it('is launched again by the ledger before it is parked, each attempt with its evidence', async () => {
    const { sweep, plan } = await world.freeze();
    const shaky = stageOf(plan, 'align');
    world.behaviours.set(shaky.label, (attempt) =>
      attempt === 1 ? { end: { kind: 'die', afterMs: 0, signal: 'SIGKILL', outOfMemory: true } } : succeeds(),
    );
    await world.work();
    await startSweep(world.lethe, sweep);
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
    const { evidence, result } = await world.store.stage(shaky.key).history();
    expect(evidence).toMatchObject([{ outcome: 'failed', failure: 'out-of-memory' }, { outcome: 'succeeded' }]);
    expect(result?.microBatchChanged).toBe(true);
    await world.record('stage-relaunched', world.stageId(shaky));
  });
});

describe('a breaker', () => {
  it('holds a model of which three stages failed alike, settles, and is lifted by resume', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2, 3, 4, 5] });
    const firsts = plan.stages.filter(({ kind }) => kind === 'align');
    let broken = true;
    for (const { label } of firsts) world.behaviours.set(label, () => (broken ? fails(78, said) : succeeds()));
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: { parallel: 1 } });
    const end = await awaitSweep(world.lethe, sweep);
    expect(end.status).toBe('settled');
    const parked = 'outcome' in end ? end.outcome.parked : [];
    expect(parked.filter(({ class: failure }) => failure === 'config')).toHaveLength(3);
    expect(parked.filter(({ class: failure }) => failure === 'held by breaker')).toHaveLength(2);
    expect(firsts.map((stage) => world.starts(stage))).toEqual([1, 1, 1, 0, 0]);
    broken = false;
    await retryStages(world.lethe, { ...sweep, schedule: quick }, { selection: { kind: 'failed' }, by: 'a test' });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
  });
});

describe('a canary', () => {
  it('runs alone to its first checkpoint before other stages of its model start', async () => {
    const { sweep, plan } = await world.freeze({ seeds: [1, 2, 3] });
    const [first, ...others] = plan.stages.filter(({ kind }) => kind === 'align');
    if (first === undefined) throw new Error('no stage');
    world.behaviours.set(first.label, () => ({
      startingMs: 1_500,
      checkpointStep: 3,
      end: { kind: 'exit', afterMs: 60_000, code: 0 },
    }));
    for (const { label } of others) world.behaviours.set(label, () => hangs());
    await world.work();
    await startSweep(world.lethe, { ...sweep, schedule: { parallel: 8, canary: 'checkpoint' } });
    await eventually(async () => (await sweepOverview(world.lethe, sweep)).running.length === 1, 'the canary');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await sweepOverview(world.lethe, sweep)).running).toEqual([first.label]);
    await eventually(async () => (await sweepOverview(world.lethe, sweep)).running.length === 3, 'the others');
    expect((await world.store.stage(first.key).result()) === undefined).toBe(true);
  });
});
