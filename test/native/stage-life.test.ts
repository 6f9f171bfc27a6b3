import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatherEvidence } from '../../src/artifacts/attempt-evidence.ts';
import { isLocal } from '../../src/artifacts/launched.ts';
import { ResultRefused, resultOf } from '../../src/artifacts/lineage.ts';
import { removableOf, remove } from '../../src/artifacts/retention.ts';
import type { StageFolder } from '../../src/artifacts/stage-folder.ts';
import type { StageResult } from '../../src/artifacts/stage-result.ts';
import { Store } from '../../src/artifacts/store.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import type { JobSpec } from '../../src/jobs/job-launcher.ts';
import { pause } from '../../src/jobs/latch.ts';
import { LocalLauncher } from '../../src/jobs/local/local-launcher.ts';
import { makeJobSpec } from '../../src/jobs/make-job-spec.ts';
import { DEFAULT_BUDGETS } from '../../src/recovery/budgets.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';
import { decide } from '../../src/recovery/ledger.ts';
import { tinyStage, writeData } from './support/tiny-stage.ts';
import { LAUNCH, TRAINER } from './support/trainer.ts';

const STEPS = 8_000;
/** Kills at random moments may come faster than checkpoints. */
const PATIENT = { ...DEFAULT_BUDGETS, crash: { ...DEFAULT_BUDGETS.crash, retries: 20 } };

let folder: string;
let store: Store;
let launchers: LocalLauncher[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-life-'));
  store = await Store.create(join(folder, 'store'), { address: 'localhost:7233', namespace: 'test' });
  launchers = [];
});
afterEach(async () => {
  for (const launcher of launchers) launcher.close();
  await rm(folder, { recursive: true });
});

function newLauncher(): LocalLauncher {
  const launcher = new LocalLauncher({ launchBinary: [LAUNCH], stateFolder: join(folder, 'state'), slots: 2 });
  launchers.push(launcher);
  return launcher;
}

function spec(name: string): StageSpec {
  const data = writeData(store.path, { rows: 12, promptTokens: 4, responseTokens: 4 });
  // A stage of its own for each name: only the order of examples would change with the seed, so the key is changed by an anchor behind the end.
  const behind = 10 * STEPS + name.length;
  return tinyStage(data, { steps: STEPS }, [0, 0.3 * STEPS, 0.7 * STEPS, behind]);
}

async function stageOf(name: string): Promise<StageFolder> {
  const stage = store.stage(digestOf(spec(name)));
  await stage.publishSpec(spec(name));
  return stage;
}

/** What the workflow of a stage does, without one: attempts by the ledger until there is a result. `disturb` runs beside each attempt; `loseWorker` says when its worker is lost. */
async function live(
  stage: StageFolder,
  disturb: (job: JobSpec) => Promise<void>,
  loseWorker: () => boolean,
): Promise<{ result: StageResult; evidence: readonly Evidence[] }> {
  for (;;) {
    const { result, evidence, overrides, open } = await stage.history();
    if (result !== undefined) return { result, evidence };
    const flags = { microBatch: 6, accumulate: 1, recompute: false };
    const setup = { flags, resources: { cores: 1, memoryBytes: 2 ** 26, gpus: 0 } };
    const next = decide({ evidence, overrides, setup, memoryLimit: 2 ** 30, budgets: PATIENT });
    if (next.kind === 'park') throw new Error(`expected a result, parked by ${next.rule}: ${next.sentence}`);
    const attempt = stage.attempt(open?.number ?? next.attempt);
    const job = await attempt.publishJob(
      makeJobSpec({
        storeId: store.id,
        key: stage.key,
        attempt: attempt.number,
        stageFolder: stage.path,
        trainer: [TRAINER],
        flags: next.flags,
        resources: next.resources,
        checkpointEvery: STEPS / 40,
      }),
    );
    // Each attempt meets a worker that knows nothing, and some meet a second one.
    let launcher = newLauncher();
    await launcher.launch(job);
    const disturbed = disturb(job);
    let state = (await launcher.observe(job)).state;
    while (state !== 'ended' && state !== 'lost') {
      await launcher.waitForChange(job, 100);
      if (loseWorker()) {
        launcher.close();
        launcher = newLauncher();
        await launcher.launch(job);
      }
      state = (await launcher.observe(job)).state;
    }
    await disturbed;
    const now = new Date().toISOString();
    let refused: string | undefined;
    if ((await attempt.outcome())?.code === 0) {
      try {
        await stage.publishResult(await resultOf(stage, attempt.number, now));
      } catch (error) {
        if (!(error instanceof ResultRefused)) throw error;
        refused = error.message;
      }
    }
    const platform = await launcher.platformEvidence(job);
    const report = { end: { kind: 'ended' } as const, platform, now, ...(refused === undefined ? {} : { refused }) };
    await attempt.publishEvidence(await gatherEvidence(attempt, report));
    await remove(await removableOf(stage));
  }
}

function digests({ weights, anchors }: StageResult): string[] {
  return [weights?.sha256 ?? 'none', ...anchors.map(({ step, sha256 }) => `${step} ${sha256}`)];
}

describe('a stage on this machine, from its first attempt to its result', { timeout: 300_000 }, () => {
  it('ends with the same weights and scores, bit for bit, however often it is killed', async () => {
    const begun = performance.now();
    const undisturbed = await live(
      await stageOf('undisturbed'),
      async () => undefined,
      () => false,
    );
    // Kills come as fast as this machine trains, so that several meet a stage that is still at work.
    const longest = (performance.now() - begun) / 8;
    expect(undisturbed.evidence.map(({ outcome }) => outcome)).toEqual(['succeeded']);

    const seed = Number(process.env.LETHE_TEST_SEED ?? Date.now() % 1_000_000);
    console.log(`kills with LETHE_TEST_SEED=${seed}`);
    let state = seed;
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state / 0x7fffffff;
    };
    let kills = 0;
    const stage = await stageOf('killed');
    const kill = async (job: JobSpec) => {
      if (kills === 8) return;
      const attempt = stage.attempt(job.attempt);
      let launched = await attempt.launched();
      for (; launched === undefined; launched = await attempt.launched()) await pause(1);
      if (!isLocal(launched)) return;
      await pause(longest * random());
      kills += 1;
      try {
        process.kill(launched.pid, random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      } catch {
        // It had ended before.
      }
    };
    const killed = await live(stage, kill, () => random() < 0.1);
    expect(digests(killed.result)).toEqual(digests(undisturbed.result));
    expect(killed.result.numerics).toEqual(undisturbed.result.numerics);
    const failures = killed.evidence.filter(({ outcome }) => outcome === 'failed');
    expect(failures.length).toBeGreaterThan(2);
    for (const { failure } of failures) expect(['crash', 'preempted']).toContain(failure);
    expect(killed.evidence.at(-1)?.outcome).toBe('succeeded');
  });
});
