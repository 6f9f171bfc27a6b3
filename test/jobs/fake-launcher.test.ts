import { afterEach, describe, expect, it } from 'vitest';
import { gatherEvidence } from '../../src/artifacts/attempt-evidence.ts';
import { resultOf } from '../../src/artifacts/lineage.ts';
import { type FakeBehaviour, fails, hangs, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import { FakeLauncher } from '../../src/jobs/fake/fake-launcher.ts';
import { FakePlatform } from '../../src/jobs/fake/fake-platform.ts';
import { makeJobSpec } from '../../src/jobs/make-job-spec.ts';
import { NOW, ROWS, StageWorld, write } from '../artifacts/support/stage-world.ts';
import { stop, until } from '../contract/job-launcher.ts';

let world: StageWorld;
let platform: FakePlatform;
afterEach(async () => {
  await platform.shutDown();
  await world.remove();
});

async function run(behaviour: FakeBehaviour) {
  world = await StageWorld.create();
  platform = new FakePlatform(() => behaviour);
  const { stage, store } = world;
  const attempt = stage.attempt(1);
  const flags = { microBatch: 4, accumulate: 1, recompute: false };
  const resources = { cores: 1, memoryBytes: 1, gpus: 0 };
  const request = {
    storeId: store.id,
    key: stage.key,
    attempt: 1,
    stageFolder: stage.path,
    trainer: ['fake'],
    flags,
    resources,
  };
  const job = await attempt.publishJob(makeJobSpec(request));
  const launcher = new FakeLauncher(platform);
  await launcher.launch(job);
  return { launcher, job, attempt };
}

async function writeTokens(): Promise<void> {
  const lines = Array.from(
    { length: ROWS },
    (_, row) => `{"id":"e${row}","class":"task","prompt":[1],"response":[2,3,0]}\n`,
  );
  const digest = (await world.stage.spec()).score?.data.digest ?? '';
  await write(`${world.store.dataPath(digest)}/tokens.jsonl`, lines.join(''));
}

describe('a fake job', () => {
  it('that succeeds leaves the files of a whole stage behind', async () => {
    const { launcher, job } = await run(succeeds(50));
    await writeTokens();
    await until(launcher, job, 'ended');
    const result = await resultOf(world.stage, 1, NOW);
    expect(result).toMatchObject({ steps: 40, writer: 'fake-writer', lineage: [] });
    expect(result.anchors.map(({ step, rows }) => [step, rows])).toEqual([0, 20, 40].map((step) => [step, ROWS]));
  });

  it('fails for its missing data as a trainer does', async () => {
    const { launcher, job, attempt } = await run(succeeds());
    await until(launcher, job, 'ended');
    const platformEvidence = await launcher.platformEvidence(job);
    const evidence = await gatherEvidence(attempt, { end: { kind: 'ended' }, platform: platformEvidence, now: NOW });
    expect(evidence).toMatchObject({ failure: 'missing-input', exitCode: 66 });
  });

  it.each([
    ['fails with a code', fails(81, 'the loss is NaN'), { failure: 'diverged', sentence: 'the loss is NaN' }],
    [
      'is killed for memory',
      { end: { kind: 'die', afterMs: 0, signal: 'SIGKILL', outOfMemory: true } },
      { failure: 'out-of-memory' },
    ],
    [
      'crashes after a checkpoint',
      { checkpointStep: 20, end: { kind: 'die', afterMs: 0, signal: 'SIGSEGV' } },
      { failure: 'crash', checkpointStep: 20, reachedStep: 20 },
    ],
  ] as const)('that %s is classified like a real one', async (_, behaviour, expected) => {
    const { launcher, job, attempt } = await run(behaviour);
    await until(launcher, job, 'ended');
    const platformEvidence = await launcher.platformEvidence(job);
    expect(
      await gatherEvidence(attempt, { end: { kind: 'ended' }, platform: platformEvidence, now: NOW }),
    ).toMatchObject(expected);
  });

  it('that vanishes is lost', async () => {
    const { launcher, job } = await run({ end: { kind: 'vanish', afterMs: 0 } });
    expect(await until(launcher, job, 'lost')).toMatchObject({ state: 'lost' });
  });

  it('is queued and starting for as long as it is told', async () => {
    const { launcher, job } = await run({ ...hangs(), queuedMs: 50, startingMs: 50 });
    const states = new Set<string>();
    for (let state = ''; state !== 'running'; state = (await launcher.observe(job)).state) {
      states.add((await launcher.observe(job)).state);
      await launcher.waitForChange(job, 10);
    }
    expect([...states].slice(0, 2)).toEqual(['queued', 'starting']);
    await stop(job);
    await launcher.cancel(job, 1_000);
    expect(await world.stage.attempt(1).outcome()).toMatchObject({ code: 75 });
  });
});
