import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { stageWorkflowId, sweepWorkflowId } from '../../src/experiment/workflow-ids.ts';
import { connect, type Lethe } from '../../src/temporal/connection.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { FaultWorld, json, type StageFiles } from './fault-world.ts';
import { Terminal } from './terminal.ts';
import { holdTrainers, TrainerWatch, trainersOf } from './trainer-watch.ts';
import { eventually } from './world.ts';

const sweepFile = (name: string, reviewSteps: number, steps = 16_000) =>
  toySweepFile({ name, steps, reviewSteps, anchorStep: 500, checkpointEvery: 100 });

let world: FaultWorld;
let watch: TrainerWatch;
beforeEach(() => {
  world = new FaultWorld(sweepFile('alpha', 1000));
  watch = new TrainerWatch(world.store);
});
afterEach(async () => {
  watch.end();
  await world.end();
});

/** Waits until the finetune has trained for a while, holds it there, and returns its files and what lets it go on. */
async function underWay(): Promise<{ stage: StageFiles; release(): void }> {
  const stage = await world.until('the finetune to train', () =>
    world.stages().find(({ kind, reached }) => kind === 'finetune' && reached > 300),
  );
  return { stage, ...holdTrainers(world.store) };
}

function finetune(): StageFiles {
  const found = world.stages().find(({ kind }) => kind === 'finetune');
  if (found === undefined) throw new Error('expected a finetune in the store');
  return found;
}

describe('two sweeps that share a stage', { timeout: 300_000 }, () => {
  it('train it once: when the one that started it is cancelled, the other goes on from its checkpoint', async () => {
    const beta = world.write('beta.yaml', sweepFile('beta', 1500));
    await world.lethe('run', world.file, '--detach');
    await underWay();
    await world.lethe('run', beta, '--detach');
    expect((await world.lethe('cancel', 'alpha')).code).toBe(0);
    const end = await world.last('watch', 'beta');
    expect(end).toMatchObject({ status: 'completed', done: 2 });
    expect(await world.last('status', 'alpha')).toMatchObject({ phase: 'cancelled' });

    const { attempts, result, key } = finetune();
    expect(attempts.map(({ evidence }) => evidence?.outcome)).toEqual(['stopped', 'succeeded']);
    expect(result?.lineage).toHaveLength(1);
    expect(result?.lineage[0]).toMatch(/^1\//);
    expect([...watch.wrong]).toEqual([]);

    // Cut and taken over, its bits are those of a sweep that was alone.
    const alone = new FaultWorld(sweepFile('beta', 1500));
    try {
      const expected = await alone.last('run', alone.file);
      expect(end.statisticsDigest).toBe(expected.statisticsDigest);
      expect(alone.stages().find((stage) => stage.key === key)?.attempts).toHaveLength(1);
    } finally {
      await alone.end();
    }
  });

  it('train it once: when the one that only waits for it is cancelled, nothing stops', async () => {
    const beta = world.write('beta.yaml', sweepFile('beta', 1500));
    await world.lethe('run', world.file, '--detach');
    const { release } = await underWay();
    await world.lethe('run', beta, '--detach');
    expect((await world.lethe('cancel', 'beta')).code).toBe(0);
    release();
    expect(await world.last('watch', 'alpha')).toMatchObject({ status: 'completed', done: 2 });
    const { attempts, result } = finetune();
    expect(attempts).toHaveLength(1);
    expect(result?.lineage).toEqual([]);
    expect([...watch.wrong]).toEqual([]);

    // The cancelled one finds it done.
    expect(await world.last('resume', 'beta')).toMatchObject({ status: 'completed', jobsStarted: 1, jobsReused: 1 });
    expect(finetune().attempts).toHaveLength(1);
  });
});

describe('workflows that are terminated', { timeout: 300_000 }, () => {
  it('are started again and adopt the job that runs: it is neither stopped nor started twice', async () => {
    await world.lethe('run', world.file, '--detach');
    const { stage, release } = await underWay();
    const [pid] = trainersOf(world.store).map((trainer) => trainer.pid);
    const { lethe, stageId, sweepId } = await reach(stage.key);
    try {
      const runOf = async () => (await lethe.client.workflow.getHandle(stageId).describe()).runId;
      const first = await runOf();
      await lethe.client.workflow.getHandle(stageId).terminate('a test');
      // The sweep starts it again by itself.
      const second = await eventually(async () => {
        const now = await runOf();
        return now !== first && now;
      }, 'trainStage to be started again');
      expect(trainersOf(world.store).map((trainer) => trainer.pid)).toEqual([pid]);

      await lethe.client.workflow.getHandle(sweepId).terminate('a test');
      release();
      const end = await world.last('run', world.file);
      expect(end).toMatchObject({ status: 'completed', done: 2 });
      expect(await runOf()).toBe(second);
    } finally {
      await lethe.close();
    }
    for (const { attempts } of world.stages()) expect(attempts).toHaveLength(1);
    expect(finetune().attempts[0]?.launchedPid).toBe(pid);
    expect([...watch.wrong]).toEqual([]);
  });

  it('both at once leave a job that runs on and is adopted by `lethe resume`', async () => {
    await world.lethe('run', world.file, '--detach');
    const { stage, release } = await underWay();
    const [pid] = trainersOf(world.store).map((trainer) => trainer.pid);
    const { lethe, stageId, sweepId } = await reach(stage.key);
    await lethe.client.workflow.getHandle(sweepId).terminate('a test');
    await lethe.client.workflow.getHandle(stageId).terminate('a test');
    await lethe.close();
    release();
    expect(await world.last('resume', 'alpha')).toMatchObject({ status: 'completed', done: 2 });
    for (const { attempts } of world.stages()) expect(attempts).toHaveLength(1);
    expect(finetune().attempts[0]?.launchedPid).toBe(pid);
    expect([...watch.wrong]).toEqual([]);
  });
});

describe('a command that waits for an answer', { timeout: 300_000 }, () => {
  it('starts the worker again when it dies before it answered, and goes on', async () => {
    await world.lethe('run', world.file, '--detach');
    const { release } = await underWay();
    const before = Date.now();
    await world.lethe('status', 'alpha');
    const aCommand = Date.now() - before;
    // A worker that stands still takes no message, and nobody else is there to start another one.
    process.kill(world.pidOf('worker'), 'SIGSTOP');
    const resumed = new Terminal(['resume', 'alpha', '--json'], world.environment);
    // Long enough that its message is on the way, on any machine.
    await new Promise((resolve) => setTimeout(resolve, 3 * aCommand));
    process.kill(world.pidOf('worker'), 'SIGKILL');
    release();
    expect(await resumed.ended).toBe(0);
    expect(resumed.stderr).toMatch(/the worker has ended; starting it again/);
    for (const { attempts } of world.stages()) expect(attempts).toHaveLength(1);
    expect([...watch.wrong]).toEqual([]);
  });
});

describe('a finished sweep', { timeout: 300_000 }, () => {
  it('run again starts no job and no workflow, and no child workflow even when the server has lost its histories', async () => {
    world.write('toy.yaml', sweepFile('alpha', 1000, 200));
    const first = await world.last('run', world.file);
    expect(first).toMatchObject({ status: 'completed', jobsStarted: 2 });
    const before = await executions();
    expect(before.map(({ type }) => type).sort()).toEqual(['scaleSweep', 'trainStage', 'trainStage']);
    const attempts = world.stages().map(({ key, attempts: all }) => [key, all.length]);

    expect(await world.last('run', world.file)).toMatchObject({ status: 'completed', jobsStarted: 0, jobsReused: 2 });
    await world.lethe('stop');
    expect(await world.last('run', world.file)).toMatchObject({ status: 'completed', jobsStarted: 0, jobsReused: 2 });
    expect(await executions()).toEqual(before);

    await world.lethe('stop');
    for (const name of readdirSync(join(world.store, 'embedded'))) {
      if (name.startsWith('temporal-')) world.remove(join('embedded', name));
    }
    const again = await world.last('run', world.file);
    expect(again).toMatchObject({
      status: 'completed',
      jobsStarted: 0,
      jobsReused: 2,
      statisticsDigest: first.statisticsDigest,
    });
    expect((await executions()).map(({ type }) => type)).toEqual(['scaleSweep']);
    expect(world.stages().map(({ key, attempts: all }) => [key, all.length])).toEqual(attempts);
    expect([...watch.wrong]).toEqual([]);
  });
});

async function connectServer(): Promise<Lethe> {
  const { address } = json(join(world.store, 'embedded', 'server.json')) as { address: string };
  return connect({ address, namespace: 'lethe' });
}

async function reach(key: string): Promise<{ lethe: Lethe; stageId: string; sweepId: string }> {
  const store = await Store.open(world.store);
  const [sweep] = readdirSync(join(world.store, 'sweeps'));
  return {
    lethe: await connectServer(),
    stageId: stageWorkflowId(store.id, { kind: 'finetune', key }),
    sweepId: sweepWorkflowId(store.id, sweep ?? ''),
  };
}

/** Every execution of every workflow that the store's server knows. */
async function executions(): Promise<{ id: string; runId: string; type: string }[]> {
  const lethe = await connectServer();
  try {
    const found: { id: string; runId: string; type: string }[] = [];
    for await (const { workflowId, runId, type } of lethe.client.workflow.list()) {
      found.push({ id: workflowId, runId, type });
    }
    return found.sort((a, b) => (a.runId < b.runId ? -1 : 1));
  } finally {
    await lethe.close();
  }
}
