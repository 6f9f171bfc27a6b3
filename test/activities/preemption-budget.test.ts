import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstSetup } from '../../src/activities/first-setup.ts';
import { FrozenPlans } from '../../src/activities/frozen-plans.ts';
import { makeRunAttempt } from '../../src/activities/run-attempt.ts';
import type { AttemptFolder } from '../../src/artifacts/attempt-folder.ts';
import { Store } from '../../src/artifacts/store.ts';
import { type FakeBehaviour, hangs } from '../../src/jobs/fake/fake-behaviour.ts';
import { FakeLauncher } from '../../src/jobs/fake/fake-launcher.ts';
import { FakePlatform } from '../../src/jobs/fake/fake-platform.ts';
import { FakeTrainer } from '../../src/jobs/fake/fake-trainer.ts';
import { freezeTinySweep, stageOf } from '../support/tiny-sweep.ts';

const MEMORY = 2 ** 33;
const BUDGET = 2;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-preemptions-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The first attempt of a stage of which the platform may take `BUDGET` pods away without progress. */
async function setup(behaviour: FakeBehaviour) {
  const store = await Store.create(folder, { address: 'nowhere', namespace: 'none' });
  const { sweepId, plan } = await freezeTinySweep(store);
  const { key, kind, label, number } = stageOf(plan, 'align');
  const stage = store.stage(key);
  await stage.addOverride({ retries: { preempted: BUDGET }, by: 'test', at: '2026-01-02T03:04:05Z' });
  const attempt = stage.attempt(1);
  const runAttempt = makeRunAttempt({
    store,
    plans: new FrozenPlans(store),
    launcher: new FakeLauncher(new FakePlatform(() => behaviour)),
    trainer: ['fake-trainer'],
    setupOf: (spec, asked) => firstSetup(spec, asked, MEMORY),
    memoryLimit: MEMORY,
    stopGraceMs: 1_000,
    stallMs: 60_000,
    watchMs: 50,
    workflows: { statusOf: async () => 'running', announceCheckpoint: async () => undefined },
  });
  const input = { storeId: store.id, sweepId, key, kind, label, number };
  const report = new MockActivityEnvironment().run(runAttempt, input);
  while ((await attempt.writers()).length === 0) await new Promise((done) => setTimeout(done, 10));
  return { attempt, report };
}

/** The platform took the pod away and made another, within the attempt; it got as far as a checkpoint, or did not. */
async function replacePod(attempt: AttemptFolder, name: string, checkpointStep?: number): Promise<void> {
  const trainer = new FakeTrainer(attempt.path, name);
  await trainer.begin();
  if (checkpointStep !== undefined) await trainer.checkpoint(checkpointStep);
}

describe('an attempt whose pods are taken away', () => {
  it('is stopped and parked as preempted when more went without progress than the budget forgives', async () => {
    const { attempt, report } = await setup({ ...hangs(), checkpointStep: 1 });
    for (let pod = 1; pod <= BUDGET + 1; pod += 1) await replacePod(attempt, `pod-${pod}`);
    expect(await report).toMatchObject({
      next: 'park',
      attempt: 1,
      class: 'preempted',
      sentence: 'pods of this attempt were taken away without progress, 4 began so far',
    });
    expect(await attempt.stop()).toMatchObject({ by: 'preemption budget', charge: 'class', failure: 'preempted' });
    expect(await attempt.evidence()).toMatchObject({ outcome: 'failed', failure: 'preempted', checkpointStep: 1 });
  });

  it('runs on when as many went as the budget forgives, or each got further', async () => {
    const { attempt, report } = await setup({
      checkpointStep: 1,
      end: { kind: 'exit', afterMs: 3_000, code: 70 },
    });
    await replacePod(attempt, 'pod-1');
    await replacePod(attempt, 'pod-2', 2);
    await replacePod(attempt, 'pod-3');
    await replacePod(attempt, 'pod-4');
    expect(await report).toMatchObject({ next: 'relaunch', class: 'crash' });
    expect(await attempt.stop()).toBeUndefined();
  });
});
