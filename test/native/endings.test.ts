import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NUMERICS_VERSION } from '../../src/experiment/numerics-version.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import { tinyStage, writeData, writeStage } from './support/tiny-stage.ts';
import {
  limitedTrainer,
  outcomeOf,
  readJson,
  start,
  TRAINER,
  temporaryStore,
  trainer,
  writerOf,
} from './support/trainer.ts';

let store: ReturnType<typeof temporaryStore>;
let spec: StageSpec;
beforeEach(() => {
  store = temporaryStore();
  spec = tinyStage(writeData(store.path, { rows: 12, promptTokens: 5, responseTokens: 5 }));
});
afterEach(() => store.remove());

/** Runs the stage to an error and checks that all three places tell the same. */
async function fails(stage: string, args: readonly string[] = []): Promise<{ code: number | null; sentence: string }> {
  const message = join(store.path, 'termination-message');
  const { code, output } = await trainer(stage, 1, args, { LETHE_TERMINATION_MESSAGE: message }).exit;
  const sentence = readFileSync(message, 'utf8');
  expect(output).toBe(`lethe-trainer: ${sentence}\n`);
  expect(outcomeOf(stage, 1)).toMatchObject({ code, sentence });
  expect(sentence).not.toContain('\n');
  return { code, sentence };
}

describe('the trainer ends', () => {
  it('with 0, everything documented in its folder and nothing else', async () => {
    const stage = writeStage(store.path, spec);
    expect(await trainer(stage, 3).exit).toEqual({ code: 0, signal: null, output: '' });
    const writer = writerOf(stage, 3);
    expect(readdirSync(writer).sort()).toEqual([
      'checkpoints',
      'from.json',
      'outcome.json',
      'progress.jsonl',
      'scores',
    ]);
    expect(readdirSync(join(writer, 'checkpoints')).sort()).toEqual(['step-000020', 'step-000040']);
    expect(readdirSync(join(writer, 'scores')).sort()).toEqual([
      'step-000000.jsonl',
      'step-000020.jsonl',
      'step-000040.jsonl',
    ]);
    expect(outcomeOf(stage, 3)).toMatchObject({ code: 0, step: 40, stoppedBy: 'step-limit' });
    const version = JSON.parse((await start(TRAINER, ['--version']).exit).output) as { build: string; cpu: string };
    expect(readJson(writer, 'from.json')).toEqual({
      checkpoint: null,
      step: 0,
      numerics: {
        backend: 'cpu',
        precision: 'fp32',
        cpu: version.cpu,
        blas: expect.any(String),
        version: NUMERICS_VERSION,
      },
      build: version.build,
    });
    const lines = readFileSync(join(writer, 'progress.jsonl'), 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      step: 40,
      steps: 40,
      loss: expect.any(Number),
      learningRate: 0.01,
      gradientNorm: expect.any(Number),
      tokensPerSecond: expect.any(Number),
      checkpointSeconds: expect.any(Number),
      residentBytes: expect.any(Number),
      time: expect.any(Number),
    });
    const scores = readFileSync(join(writer, 'scores/step-000040.jsonl'), 'utf8').trimEnd().split('\n');
    expect(scores).toHaveLength(12);
    expect(JSON.parse(scores[1] ?? '')).toEqual({
      id: 'safe-0',
      tokens: 5,
      sumLogProb: expect.any(Number),
      generated: expect.any(Array),
    });
  });

  it('with 78 when run.json is wrong, and names field, bound and what came', async () => {
    const stage = writeStage(store.path, spec);
    writeFileSync(join(stage, 'run.json'), JSON.stringify({ ...spec, seed: -1 }));
    const { code, sentence } = await fails(stage);
    expect(code).toBe(78);
    expect(sentence).toContain('expected seed to be an integer from 0 to 9007199254740991, found -1');
  });

  it('with 78 when a flag is wrong or the passes do not cover the batch', async () => {
    const stage = writeStage(store.path, spec);
    expect(await fails(stage, ['--micro-batch', '2', '--accumulate', '2'])).toMatchObject({
      code: 78,
      sentence: 'expected --micro-batch × --accumulate of at least train.batch 6, found 2 × 2',
    });
    const wrong = [
      [['--stage', stage], 'expected --stage DIR and --attempt N'],
      [['--attempt', '1'], 'expected --stage DIR and --attempt N'],
      [['--stage', stage, '--attempt', '0'], 'expected --attempt with an integer from 1 to 1000000, found "0"'],
      [
        ['--stage', stage, '--attempt', '2', '--threads'],
        'expected --threads with an integer from 1 to 1024, found ""',
      ],
      [['--stage', stage, '--attempt', '2', '--fast'], 'unknown argument "--fast"'],
    ] as const;
    for (const [args, sentence] of wrong) {
      const { code, output } = await start(TRAINER, args).exit;
      expect(code).toBe(78);
      expect(output).toContain(sentence);
    }
  });

  it('with 66 when an input is missing, and names its path', async () => {
    const stage = writeStage(store.path, spec);
    rmSync(join(store.path, 'data', spec.train?.data.digest ?? '', 'tokens.jsonl'));
    expect(await fails(stage)).toMatchObject({
      code: 66,
      sentence: expect.stringMatching(/^expected .*\/tokens\.jsonl, which is not there$/),
    });
    rmSync(join(stage, 'attempts'), { recursive: true });
    rmSync(join(stage, 'run.json'));
    expect(await fails(stage)).toMatchObject({
      code: 66,
      sentence: expect.stringMatching(/run\.json, which is not there$/),
    });
    const { code, output } = await trainer(join(store.path, 'stages/none'), 1).exit;
    expect({ code, output }).toEqual({ code: 66, output: expect.stringContaining("expected the stage's folder") });
  });

  it('with 65 when the data are not those of the manifest', async () => {
    const stage = writeStage(store.path, spec);
    const tokens = join(store.path, 'data', spec.train?.data.digest ?? '', 'tokens.jsonl');
    writeFileSync(tokens, readFileSync(tokens, 'utf8').replace('unsafe-1', 'unsafe-9'));
    const { code, sentence } = await fails(stage);
    expect(code).toBe(65);
    expect(sentence).toMatch(
      /tokens\.jsonl: expected sha256 [0-9a-f]{64} \(manifest\.json\), found [0-9a-f]{64}; remove the folder/,
    );
  });

  it('with 69 when it was built without the device', async () => {
    expect(await fails(writeStage(store.path, { ...spec, backend: 'cuda' }))).toMatchObject({ code: 69 });
  });

  it('with 81 and the step when training diverges', async () => {
    const train = spec.train;
    if (train === undefined) throw new Error('expected a training stage');
    const optimizer = { ...train.optimizer, learningRate: 1000, weightDecay: 1000 };
    const { code, sentence } = await fails(writeStage(store.path, { ...spec, train: { ...train, optimizer } }));
    expect(code).toBe(81);
    expect(sentence).toMatch(/^diverged at step \d+: expected a finite (loss|gradient norm), found -?(nan|inf)/);
  });

  it('with 80 when memory is refused', async () => {
    const model = { ...spec.model, width: 1024, heads: 16, keyValueHeads: 16, layers: 12, feedForward: 4096 };
    const stage = writeStage(store.path, { ...spec, model });
    // Too little for the model, for the products of one more thread, for a single product.
    for (const [attempt, kilobytes] of [400_000, 300_000, 150_000].entries()) {
      expect((await limitedTrainer(`ulimit -v ${kilobytes}`, stage, attempt + 1).exit).code).toBe(80);
      expect(outcomeOf(stage, attempt + 1)).toMatchObject({ code: 80, sentence: expect.stringMatching(/memory/) });
    }
  });

  it('with 74 when a file cannot be written, and outcome.json still says so', async () => {
    const stage = writeStage(store.path, spec);
    // Of 512 bytes each: the reserved outcome fits, the moments of a checkpoint do not.
    const { code, output } = await limitedTrainer('ulimit -f 16', stage, 1).exit;
    expect({ code, output }).toEqual({
      code: 74,
      output: expect.stringMatching(/could not write .*optimizer\.safetensors: File too large/),
    });
    expect(outcomeOf(stage, 1)).toMatchObject({ code: 74, step: 20 });
    expect(readdirSync(join(writerOf(stage, 1), 'checkpoints'))).toEqual([]);
    expect((await trainer(stage, 2).exit).code).toBe(0);
  });

  it('with 0 without work when result.json is there', async () => {
    const stage = writeStage(store.path, spec);
    writeFileSync(join(stage, 'result.json'), '{}');
    expect((await trainer(stage, 1).exit).code).toBe(0);
    const outcome = outcomeOf(stage, 1);
    expect(outcome).toMatchObject({ code: 0, step: 0, sentence: expect.stringContaining('result.json exists') });
    expect(outcome.stoppedBy).toBeUndefined();
    expect(existsSync(join(writerOf(stage, 1), 'from.json'))).toBe(false);
  });

  it('with 0 at a checkpoint when another writer has finished the stage meanwhile', async () => {
    const train = spec.train;
    if (train === undefined) throw new Error('expected a training stage');
    const stage = writeStage(store.path, { ...spec, train: { ...train, steps: 50_000_000 } });
    const { exit } = trainer(stage, 1, ['--checkpoint-every', '500']);
    setTimeout(() => writeFileSync(join(stage, 'result.json'), '{}'), 300);
    expect((await exit).code).toBe(0);
    expect(outcomeOf(stage, 1).step).toBeLessThan(50_000_000);
    expect(outcomeOf(stage, 1).stoppedBy).toBeUndefined();
  });

  it('with 70 where a drill asks for it, without a checkpoint, and goes on from the one before', async () => {
    const stage = writeStage(store.path, spec);
    const flags = ['--checkpoint-every', '10'];
    expect((await trainer(stage, 1, [...flags, '--crash-at', '25']).exit).code).toBe(70);
    expect(outcomeOf(stage, 1)).toMatchObject({ code: 70, step: 25 });
    expect((await trainer(stage, 2, flags).exit).code).toBe(0);
    expect(readJson(writerOf(stage, 2), 'from.json')).toMatchObject({ step: 20 });
  });

  it('after saying what it is and what the machine can do', async () => {
    const measured = JSON.parse((await start(TRAINER, ['--measure']).exit).output) as Record<string, unknown>;
    expect(measured).toEqual({
      gflops: expect.any(Number),
      bandwidthBytesPerSecond: expect.any(Number),
      cpu: expect.any(String),
    });
    expect(measured.gflops).toBeGreaterThan(0.1);
    expect(JSON.parse((await start(TRAINER, ['--version']).exit).output)).toEqual({
      version: '0.1.0',
      numerics: NUMERICS_VERSION,
      build: expect.stringMatching(/^[0-9a-f]{64}$/),
      cpu: measured.cpu,
    });
    expect(await start(TRAINER, ['--help']).exit).toMatchObject({
      code: 0,
      output: expect.stringContaining('--checkpoint-every N'),
    });
  });
});
