import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { resultOf } from '../../src/artifacts/lineage.ts';
import { Store } from '../../src/artifacts/store.ts';
import type { ModelSpec, TrainSpec } from '../../src/experiment/stage-spec.ts';
import { seededRandom, testSeed } from './support/random.ts';
import { ADAMW, tinyStage, writeData, writeStage } from './support/tiny-stage.ts';
import { digestsOf, outcomeOf, readJson, temporaryStore, trainer, writerOf } from './support/trainer.ts';

const FLAGS = ['--checkpoint-every', '40'];

/** What a test changes in the busy stage. */
interface Changes {
  readonly train?: Partial<TrainSpec>;
  readonly model?: Partial<ModelSpec>;
}

const LORA: Partial<TrainSpec> = {
  tuning: { kind: 'lora', rank: 6, alpha: 12, dropout: 0.02, targets: ['c_attn', 'c_fc', 'c_proj'] },
  optimizer: ADAMW,
};

/** Many anchors, checkpoints and checks in a few tenths of a second, so that random moments hit all of them. */
function busyStage(store: string, { train, model }: Changes = {}): string {
  const data = writeData(store, { rows: 24, promptTokens: 4, responseTokens: 4 });
  const anchors = Array.from({ length: 13 }, (_, index) => index * 250);
  const stop = { everySteps: 130, exactMatch: 1, learnedShare: 1 };
  const optimizer = { ...ADAMW, learningRate: 0.0005, weightDecay: 0.01 };
  return writeStage(
    store,
    tinyStage(
      data,
      { batch: 10, steps: 3000, stop, optimizer, schedule: { kind: 'cosine', warmupSteps: 20 }, ...train },
      anchors,
      { width: 16, ...model },
    ),
  );
}

interface Ended {
  readonly steps: number;
  readonly stoppedBy: string;
  readonly files: Readonly<Record<string, string>>;
}

/** What the collector of the other language takes from the finished stage, by digest. */
async function collected(store: string, stage: string, attempt: number): Promise<Ended> {
  const folder = (await Store.create(store, { address: '127.0.0.1:1', namespace: 'none' })).stage(stage.slice(-64));
  const result = await resultOf(folder, attempt, '2026-01-01T00:00:00.000Z');
  const files: Record<string, string> = { weights: result.weights?.sha256 ?? 'none' };
  for (const anchor of result.anchors) files[`anchor ${anchor.step}`] = anchor.sha256;
  const last = `attempts/${attempt}/${result.writer}/checkpoints/step-${String(result.steps).padStart(6, '0')}`;
  const manifest = readJson<{ files: Record<string, { sha256: string }> }>(stage, last, 'manifest.json');
  files.optimizer = manifest.files['optimizer.safetensors']?.sha256 ?? 'none';
  return { steps: result.steps, stoppedBy: result.stoppedBy, files };
}

async function undisturbed(changes: Changes = {}, flags = FLAGS): Promise<Ended & { milliseconds: number }> {
  const store = temporaryStore();
  const stage = busyStage(store.path, changes);
  const begin = performance.now();
  expect(await trainer(stage, 1, flags).exit).toMatchObject({ code: 0 });
  const milliseconds = performance.now() - begin;
  const ended = await collected(store.path, stage, 1);
  store.remove();
  return { ...ended, milliseconds };
}

it.each([
  ['GPT-2 style', {}, 'stop-rule'],
  ['LLaMA style', { model: { family: 'llama', keyValueHeads: 1, tiedHead: false } }, 'stop-rule'],
  ['GPT-2 style LoRA', { train: LORA, model: { width: 32 } }, 'step-limit'],
  [
    'GPT-2 style LoRA with frozen weights in bf16',
    { train: { ...LORA, frozenWeights: 'bf16' }, model: { width: 32 } },
    'step-limit',
  ],
  [
    'LLaMA style top block',
    { train: { tuning: { kind: 'top-block' } }, model: { family: 'llama', layers: 2 } },
    'step-limit',
  ],
] as const)(
  'a %s stage killed at 14 random moments ends with the bits of the undisturbed one, whatever the threads',
  async (_, changes, stoppedBy) => {
    const random = seededRandom(testSeed());
    const expected = await undisturbed(changes);
    expect(expected.stoppedBy).toBe(stoppedBy);
    expect(Object.keys(expected.files).length).toBeGreaterThan(8);
    let kills = 0;
    while (kills < 14) {
      const store = temporaryStore();
      const stage = busyStage(store.path, changes);
      for (let attempt = 1; ; attempt++) {
        const { child, exit } = trainer(stage, attempt, [
          '--checkpoint-every',
          '40',
          '--threads',
          attempt % 2 === 0 ? '2' : '1',
        ]);
        // Longer and longer, so that a series ends.
        const cancel = new AbortController();
        const moment = random() * expected.milliseconds * (0.5 + attempt / 8);
        void sleep(moment, undefined, { signal: cancel.signal }).then(
          () => child.kill('SIGKILL'),
          () => false,
        );
        const { code, signal, output } = await exit;
        cancel.abort();
        if (signal === 'SIGKILL') {
          kills++;
          continue;
        }
        expect({ code, output }).toEqual({ code: 0, output: '' });
        const { steps, files } = expected;
        expect(await collected(store.path, stage, attempt)).toEqual({ steps, stoppedBy, files });
        break;
      }
      store.remove();
    }
  },
  400_000,
);

/** from.json is there: signals are handled, training is about to go on. */
function hasBegun(stage: string, attempt: number): boolean {
  try {
    return existsSync(join(writerOf(stage, attempt), 'from.json'));
  } catch {
    return false;
  }
}

it('a stage stopped by SIGTERM again and again ends with the bits of the undisturbed one', async () => {
  const random = seededRandom(testSeed());
  const expected = await undisturbed({ train: { lossOn: 'all' } }, []);
  let stops = 0;
  while (stops < 6) {
    const store = temporaryStore();
    const stage = busyStage(store.path, { train: { lossOn: 'all' } });
    for (let attempt = 1; ; attempt++) {
      const { child, exit } = trainer(stage, attempt);
      while (child.exitCode === null && !hasBegun(stage, attempt)) await sleep(1);
      const timer = setTimeout(() => child.kill('SIGTERM'), random() * 0.3 * expected.milliseconds);
      const { code } = await exit;
      clearTimeout(timer);
      const outcome = outcomeOf(stage, attempt);
      expect(outcome.code).toBe(code);
      if (code === 0) {
        expect((await collected(store.path, stage, attempt)).files).toEqual(expected.files);
        break;
      }
      expect(code).toBe(75);
      expect(outcome.sentence).toMatch(/^stopped as asked at step \d+ of 3000|^asked to stop while scoring/);
      expect(outcome.stoppedBy).toBeUndefined();
      stops++;
    }
    store.remove();
  }
}, 400_000);

it('one thread and two threads give the same bits, and so do recomputed activations', async () => {
  const flags = [['--threads', '1'], ['--threads', '2'], ['--threads', '3'], ['--recompute']];
  const digests: Record<string, string>[] = [];
  for (const [index, flag] of flags.entries()) {
    const alone = temporaryStore();
    const data = writeData(alone.path, { rows: 40, promptTokens: 6, responseTokens: 6 });
    const folder = writeStage(alone.path, tinyStage(data, { batch: 32, steps: 12 }, [0, 6], { width: 64 }));
    expect(await trainer(folder, index + 1, flag).exit).toMatchObject({ code: 0 });
    digests.push(digestsOf(folder, index + 1));
    alone.remove();
  }
  expect(Object.keys(digests[0] ?? {}).length).toBeGreaterThanOrEqual(7);
  for (const other of digests) expect(other).toEqual(digests[0]);
});
