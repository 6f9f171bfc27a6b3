import { access, appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityParts } from '../../src/activities/activity-parts.ts';
import type { AttemptReport } from '../../src/activities/attempt-report.ts';
import { firstSetup } from '../../src/activities/first-setup.ts';
import { FrozenPlans } from '../../src/activities/frozen-plans.ts';
import { makeRunAttempt } from '../../src/activities/run-attempt.ts';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { Store } from '../../src/artifacts/store.ts';
import { buildDataset } from '../../src/data/build-dataset.ts';
import type { PlanStage } from '../../src/experiment/plan.ts';
import { checkpointBytes } from '../../src/experiment/stage-cost.ts';
import { type FakeBehaviour, fails, hangs, succeeds } from '../../src/jobs/fake/fake-behaviour.ts';
import { FakeLauncher } from '../../src/jobs/fake/fake-launcher.ts';
import { FakePlatform } from '../../src/jobs/fake/fake-platform.ts';
import type { JobObservation, JobWishes, PlatformEvidence } from '../../src/jobs/job-launcher.ts';
import type { StageHeartbeat } from '../../src/temporal/stage-heartbeat.ts';
import { freezeTinySweep, stageOf } from '../support/tiny-sweep.ts';

/** One stage in a store of its own; `run` is a try of its activity, as the server would make it. */
class AttemptWorld {
  readonly store: Store;
  readonly stage: PlanStage;
  readonly platform: FakePlatform;
  readonly announced: [string, number][] = [];
  readonly #sweepId: string;
  readonly #parts: ActivityParts;

  private constructor(store: Store, sweepId: string, stage: PlanStage, behave: (attempt: number) => FakeBehaviour) {
    this.store = store;
    this.stage = stage;
    this.#sweepId = sweepId;
    this.platform = new FakePlatform((spec) => behave(spec.attempt));
    this.#parts = {
      store,
      plans: new FrozenPlans(store),
      launcher: new FakeLauncher(this.platform),
      trainer: ['fake-trainer'],
      setupOf: (spec, asked) => firstSetup(spec, asked, 2 ** 33),
      memoryLimit: 2 ** 33,
      stopGraceMs: 1_000,
      stallMs: 60_000,
      watchMs: 50,
      workflows: {
        statusOf: async () => 'running',
        announceCheckpoint: async (...said) => void this.announced.push(said),
      },
    };
  }

  static async create(folder: string, behave: (attempt: number) => FakeBehaviour): Promise<AttemptWorld> {
    const store = await Store.create(folder, { address: 'nowhere', namespace: 'none' });
    const { sweepId, plan } = await freezeTinySweep(store);
    return new AttemptWorld(store, sweepId, stageOf(plan, 'align'), behave);
  }

  get folder() {
    return this.store.stage(this.stage.key);
  }

  get starts(): number {
    return this.platform.starts(this.folder.attempt(1).jobName);
  }

  run(environment: MockActivityEnvironment, parts: Partial<ActivityParts> = {}): Promise<AttemptReport> {
    const { key, kind, label, number } = this.stage;
    const input = { storeId: this.store.id, sweepId: this.#sweepId, key, kind, label, number };
    const announced = { ...input, announceCheckpointTo: 'the-sweep' };
    return environment.run(makeRunAttempt({ ...this.#parts, ...parts }), announced);
  }

  async untilRunning(): Promise<void> {
    while ((await this.folder.attempt(1).writers()).length === 0) await new Promise((done) => setTimeout(done, 10));
  }
}

/** Its node does not answer: the job counts as lost, and reaches its end while its evidence is being asked for. */
class BlindLauncher extends FakeLauncher {
  override async observe(): Promise<JobObservation> {
    return { state: 'lost', reason: 'its node has not answered' };
  }

  override async platformEvidence(spec: JobSpec): Promise<PlatformEvidence> {
    while ((await super.observe(spec)).state !== 'ended') await new Promise((done) => setTimeout(done, 10));
    return super.platformEvidence(spec);
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-attempt-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What the SDK says for each reason; a shutdown of the worker comes with nothing set. */
const LEFT_ALONE: readonly [string, string, ActivityCancellationDetails][] = [
  ['the worker shuts down', 'WORKER_SHUTDOWN', new ActivityCancellationDetails({})],
  [
    'the server says the worker shuts down',
    'WORKER_SHUTDOWN',
    new ActivityCancellationDetails({ workerShutdown: true }),
  ],
  ['an operator pauses the activity', 'PAUSED', new ActivityCancellationDetails({ paused: true })],
  ['an operator resets the activity', 'RESET', new ActivityCancellationDetails({ reset: true })],
  ['the activity times out', 'TIMED_OUT', new ActivityCancellationDetails({ timedOut: true })],
  ['the workflow cannot be found', 'NOT_FOUND', new ActivityCancellationDetails({ notFound: true })],
];

describe('an attempt whose activity is cancelled', () => {
  it.each(LEFT_ALONE)('lets its job run on when %s, and the next try adopts it', async (_, reason, details) => {
    const world = await AttemptWorld.create(folder, () => ({ end: { kind: 'exit', afterMs: 600, code: 0 } }));
    const first = new MockActivityEnvironment();
    const running = world.run(first);
    await world.untilRunning();
    first.cancel(reason as 'CANCELLED', details);
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    const attempt = world.folder.attempt(1);
    expect(await attempt.stop()).toBeUndefined();
    expect(await attempt.evidence()).toBeUndefined();
    expect(await world.run(new MockActivityEnvironment({ attempt: 2 }))).toMatchObject({
      next: 'done',
      launched: true,
    });
    expect(world.starts).toBe(1);
  });

  it('stops its job after a checkpoint, at no charge, when the workflow asked for it', async () => {
    const world = await AttemptWorld.create(folder, () => ({ ...hangs(), checkpointStep: 4 }));
    const environment = new MockActivityEnvironment();
    const running = world.run(environment);
    await world.untilRunning();
    environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(await world.folder.attempt(1).stop()).toMatchObject({ by: 'cancel', charge: 'none' });
    expect(await world.folder.attempt(1).evidence()).toMatchObject({ outcome: 'stopped', checkpointStep: 4 });
  });

  it('keeps the result of a job that finished while it was being stopped', async () => {
    const world = await AttemptWorld.create(folder, () => ({
      onStop: 'ignore',
      end: { kind: 'exit', afterMs: 400, code: 0 },
    }));
    const environment = new MockActivityEnvironment();
    const running = world.run(environment);
    await world.untilRunning();
    environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(await world.folder.result()).toMatchObject({ attempt: 1 });
  });
});

describe('an attempt', () => {
  it('finds a finished stage done and launches nothing', async () => {
    const world = await AttemptWorld.create(folder, () => succeeds());
    const first = await world.run(new MockActivityEnvironment());
    expect(first).toMatchObject({ next: 'done', attempt: 1, launched: true });
    expect(await world.run(new MockActivityEnvironment())).toEqual({ ...first, launched: false });
    expect(world.starts).toBe(1);
  });

  it('that was left open behind its result is closed, and counted once', async () => {
    const world = await AttemptWorld.create(folder, () => succeeds());
    await world.run(new MockActivityEnvironment());
    await rm(join(world.folder.attempt(1).path, 'evidence.json'));
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({ next: 'done', launched: true });
    expect(await world.folder.attempt(1).evidence()).toMatchObject({ outcome: 'succeeded' });
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({ next: 'done', launched: false });
  });

  it("reports the ledger's decision with class, rule and the trainer's sentence", async () => {
    const world = await AttemptWorld.create(folder, () => fails(74, 'the disk is full'));
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({
      next: 'relaunch',
      attempt: 1,
      class: 'io',
      sentence: 'the disk is full',
      afterMs: 5_000,
    });
  });

  it('stops a job that makes no step within the stall limit, charged as stuck', async () => {
    const world = await AttemptWorld.create(folder, () => ({ ...hangs(), checkpointStep: 1 }));
    const report = await world.run(new MockActivityEnvironment(), { stallMs: 1_500 });
    expect(report).toMatchObject({ next: 'relaunch', class: 'stuck' });
    expect(await world.folder.attempt(1).evidence()).toMatchObject({ outcome: 'failed', failure: 'stuck' });
  });

  it('waits out a launcher that cannot be reached, and counts it against nothing', async () => {
    const world = await AttemptWorld.create(folder, () => ({ end: { kind: 'exit', afterMs: 300, code: 0 } }));
    const environment = new MockActivityEnvironment();
    const beats: StageHeartbeat[] = [];
    environment.on('heartbeat', (beat: StageHeartbeat) => beats.push(beat));
    const running = world.run(environment);
    await world.untilRunning();
    world.platform.unreachable = true;
    setTimeout(() => {
      world.platform.unreachable = false;
    }, 800);
    expect(await running).toMatchObject({ next: 'done', attempt: 1 });
    expect(beats).toContainEqual(
      expect.objectContaining({ state: 'unreachable', reason: expect.stringMatching(/expected an answer/) }),
    );
    expect((await world.folder.history()).evidence).toHaveLength(1);
  });

  it('says in its heartbeats what the job does, and announces the first checkpoint once', async () => {
    const world = await AttemptWorld.create(folder, () => ({
      queuedMs: 400,
      checkpointStep: 6,
      end: { kind: 'exit', afterMs: 2_500, code: 0 },
    }));
    const environment = new MockActivityEnvironment();
    const beats: StageHeartbeat[] = [];
    environment.on('heartbeat', (beat: StageHeartbeat) => beats.push(beat));
    await world.run(environment);
    const job = world.folder.attempt(1).jobName;
    expect(beats).toContainEqual(
      expect.objectContaining({ attempt: 1, state: 'running', step: 6, checkpoint: 6, job }),
    );
    expect(world.announced).toEqual([['the-sweep', world.stage.number]]);
  });

  it('stands at the checkpoint of the attempt before until it has told more', async () => {
    const world = await AttemptWorld.create(folder, (attempt) =>
      attempt === 1 ? { ...fails(70, 'it crashed'), checkpointStep: 6 } : { ...succeeds(200), queuedMs: 1_000 },
    );
    await world.run(new MockActivityEnvironment());
    const environment = new MockActivityEnvironment();
    const beats: StageHeartbeat[] = [];
    environment.on('heartbeat', (beat: StageHeartbeat) => beats.push(beat));
    await world.run(environment);
    const seen = {
      attempt: 2,
      state: 'queued',
      step: 6,
      checkpoint: 6,
      checkpointAt: expect.stringMatching(/^\d{4}-.*Z$/),
    };
    expect(beats).toContainEqual(expect.objectContaining(seen));
  });

  it("fails as config, and deletes nothing, when its job's name belongs to another", async () => {
    const world = await AttemptWorld.create(folder, () => hangs());
    const { jobName, path } = world.folder.attempt(1);
    const foreign = { name: jobName, storeId: 'f'.repeat(32), key: 'f'.repeat(64), attempt: 1, command: ['other'] };
    const resources = { cores: 1, memoryBytes: 1, gpus: 0 };
    const spec = {
      format: 'lethe-job/1',
      environment: {},
      attemptFolder: `${path}-other`,
      resources,
      annotations: {},
    } as const;
    world.platform.create({ ...foreign, ...spec });
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({ next: 'park', class: 'config' });
    expect(world.platform.find(jobName)).toBeDefined();
  });

  it('fails as data, and launches nothing, when a dataset is damaged; goes on once it is whole', async () => {
    const world = await AttemptWorld.create(folder, () => succeeds());
    const { train } = world.stage.spec;
    if (train === undefined) throw new Error('expected a stage that trains');
    const { digest } = train.data;
    await buildDataset(join(world.store.path, 'data'), train.data);
    await appendFile(join(world.store.dataPath(digest), 'tokens.jsonl'), ' ');
    const parked = await world.run(new MockActivityEnvironment());
    expect(parked).toMatchObject({ next: 'park', class: 'data', attempt: 1, launched: false });
    expect(parked).toHaveProperty('sentence', expect.stringContaining(`expected data/${digest}/tokens.jsonl`));
    expect(await world.folder.attempt(1).evidence()).toMatchObject({ failure: 'data' });
    expect(world.starts).toBe(0);

    await rm(world.store.dataPath(digest), { recursive: true });
    await world.folder.addOverride({ reopenedAfterAttempt: 1, by: 'a person', at: new Date().toISOString() });
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({ next: 'done', attempt: 2, launched: true });
  });

  it('makes a dataset again that was removed since this worker made it', async () => {
    const world = await AttemptWorld.create(folder, (attempt) =>
      attempt === 1 ? fails(70, 'it crashed') : succeeds(),
    );
    await world.run(new MockActivityEnvironment());
    const data = world.store.dataPath(world.stage.spec.train?.data.digest ?? '');
    await rm(data, { recursive: true });
    expect(await world.run(new MockActivityEnvironment())).toMatchObject({ next: 'done', attempt: 2 });
    await expect(access(join(data, 'manifest.json'))).resolves.toBeUndefined();
  });
});

describe('an attempt whose job does not start', () => {
  const startLimitMs = { image: 300, unschedulable: 300 };

  it.each(['image', 'unschedulable'] as const)(
    'is parked as %s when it has waited past the limit, its job withdrawn',
    async (kind) => {
      const world = await AttemptWorld.create(folder, () => ({ startingMs: 60_000, startingKind: kind }));
      const report = await world.run(new MockActivityEnvironment(), { startLimitMs });
      expect(report).toMatchObject({
        next: 'park',
        class: kind,
        sentence: expect.stringMatching(/waited .* its container/),
      });
      expect(await world.folder.attempt(1).stop()).toMatchObject({ by: 'start limit', charge: 'class', failure: kind });
      expect(world.starts).toBe(0);
    },
  );

  it('is not parked for what it waited while its platform did not answer', async () => {
    const world = await AttemptWorld.create(folder, () => ({
      ...succeeds(),
      startingMs: 5_500,
      startingKind: 'image',
    }));
    const running = world.run(new MockActivityEnvironment(), { startLimitMs: { image: 2_500, unschedulable: 2_500 } });
    while (world.platform.find(world.folder.attempt(1).jobName) === undefined)
      await new Promise((done) => setTimeout(done, 10));
    world.platform.unreachable = true;
    await new Promise((done) => setTimeout(done, 3_000));
    world.platform.unreachable = false;
    expect(await running).toMatchObject({ next: 'done', attempt: 1 });
  });

  it('waits without a limit for a place that others have had', async () => {
    const world = await AttemptWorld.create(folder, () => ({ ...succeeds(), startingMs: 900 }));
    const report = await world.run(new MockActivityEnvironment(), { startLimitMs });
    expect(report).toMatchObject({ next: 'done', attempt: 1 });
  });
});

describe('a platform that completes its jobs', () => {
  it('hears of the model, of the image and queue that a person chose last, and keeps what it made in job.json', async () => {
    const world = await AttemptWorld.create(folder, () => succeeds());
    const said = { by: 'test', at: '2026-01-02T03:04:05Z' };
    await world.folder.addOverride({ image: 'localhost/old:1', queue: 'slow', ...said });
    await world.folder.addOverride({ image: 'localhost/new:1', ...said });
    const heard: JobWishes[] = [];
    const launcher = Object.assign(new FakeLauncher(world.platform), {
      complete: (spec: JobSpec, wishes: JobWishes): JobSpec => {
        heard.push(wishes);
        return { ...spec, manifest: { kind: 'Job' } };
      },
    });
    await world.run(new MockActivityEnvironment(), { launcher });
    expect(heard).toEqual([
      {
        model: world.stage.spec.model,
        checkpoint: { bytes: expect.any(Number) },
        image: 'localhost/new:1',
        queue: 'slow',
      },
    ]);
    expect(await world.folder.attempt(1).job()).toMatchObject({ manifest: { kind: 'Job' } });
  });
  it('hears how large a checkpoint is, and what the longest of earlier attempts took', async () => {
    const world = await AttemptWorld.create(folder, (attempt) =>
      attempt === 1 ? { checkpointStep: 2, end: { kind: 'exit', afterMs: 300, code: 70 } } : succeeds(),
    );
    const heard: JobWishes[] = [];
    const launcher = Object.assign(new FakeLauncher(world.platform), {
      complete: (spec: JobSpec, wishes: JobWishes): JobSpec => {
        heard.push(wishes);
        return spec;
      },
    });
    await world.run(new MockActivityEnvironment(), { launcher });
    await world.run(new MockActivityEnvironment(), { launcher });
    const bytes = checkpointBytes(world.stage.spec.model);
    expect(heard.map(({ checkpoint }) => checkpoint)).toEqual([{ bytes }, { bytes, seconds: 0.5 }]);
  });
});

describe('an attempt whose job was given up with its node', () => {
  it('has its result all the same when the job reached its end meanwhile', async () => {
    const world = await AttemptWorld.create(folder, () => succeeds(200));
    const launcher = new BlindLauncher(world.platform);
    expect(await world.run(new MockActivityEnvironment(), { launcher })).toMatchObject({ next: 'done', attempt: 1 });
    expect(await world.folder.attempt(1).evidence()).toMatchObject({ outcome: 'succeeded' });
  });
});
