import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import { storeModel } from './support/stored-model.ts';
import { tinyStage, writeData, writeStage } from './support/tiny-stage.ts';
import {
  digestsOf,
  outcomeOf,
  readJson,
  sha256Of,
  start,
  TRAINER,
  temporaryStore,
  trainer,
  writerOf,
} from './support/trainer.ts';

let store: ReturnType<typeof temporaryStore>;
let spec: StageSpec;
/** Weights and scores of the last step of a finished stage. */
let weights: string;
let scores: string;
beforeEach(async () => {
  store = temporaryStore();
  spec = tinyStage(writeData(store.path, { rows: 12, promptTokens: 5, responseTokens: 5 }));
  const parent = writeStage(store.path, spec);
  expect((await trainer(parent, 1).exit).code).toBe(0);
  weights = join(writerOf(parent, 1), 'checkpoints/step-000040/model.safetensors');
  scores = join(writerOf(parent, 1), 'scores/step-000040.jsonl');
});
afterEach(() => store.remove());

function scoring(digest: string, model = spec.model): string {
  const { train: _, ...rest } = spec;
  return writeStage(store.path, { ...rest, model, kind: 'score', start: { kind: 'weights', digest } });
}

describe('a stage that starts from a model of the store', () => {
  it('has its weights, scores them without training when asked to, and says in what form it found them', async () => {
    const { digest } = storeModel(store.path, spec.model, weights);
    const folder = scoring(digest);
    expect(await trainer(folder, 1).exit).toMatchObject({ code: 0, output: '' });
    expect(sha256Of(join(writerOf(folder, 1), 'scores/step-000000.jsonl'))).toBe(sha256Of(scores));
    expect(Object.keys(digestsOf(folder, 1))).toEqual(['scores/step-000000.jsonl']);
    expect(outcomeOf(folder, 1)).toMatchObject({ code: 0, step: 0, stoppedBy: 'step-limit' });
    expect(readJson(writerOf(folder, 1), 'from.json')).toMatchObject({
      checkpoint: null,
      weights: { digest, container: 'safetensors', formats: { F32: 16 } },
    });
  });

  it('ends with 65 when run.json asks for another model', async () => {
    const { digest } = storeModel(store.path, spec.model, weights);
    expect(await trainer(scoring(digest, { ...spec.model, heads: 4, keyValueHeads: 4 }), 1).exit).toMatchObject({
      code: 65,
      output: expect.stringContaining('expected model.heads 4 (run.json)'),
    });
  });

  it('ends with 65 when a file is longer than its manifest says, with 66 when it or the model is not there', async () => {
    const { digest, folder } = storeModel(store.path, spec.model, weights);
    appendFileSync(join(folder, 'model.safetensors'), 'x');
    expect(await trainer(scoring(digest), 1).exit).toMatchObject({
      code: 65,
      output: expect.stringMatching(/model\.safetensors: expected \d+ bytes \(manifest\.json\), found \d+/),
    });
    rmSync(join(folder, 'model.safetensors'));
    expect(await trainer(scoring(digest), 2).exit).toMatchObject({ code: 66 });
    expect(await trainer(scoring('ab'.repeat(32)), 1).exit).toMatchObject({
      code: 66,
      output: expect.stringContaining('lethe model add'),
    });
  });
});

describe('the commands that use a model', () => {
  const lines = (output: string) =>
    output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('score a file exactly as the stage did, in its order', async () => {
    const { folder } = storeModel(store.path, spec.model, weights);
    const file = join(store.path, 'data', spec.score?.data.digest ?? '', 'tokens.jsonl');
    const { code, output } = await start(TRAINER, ['--score', file, '--model', folder, '--threads', '2']).exit;
    expect(code).toBe(0);
    const expected = lines(readFileSync(scores, 'utf8')).map(({ id, tokens, sumLogProb }) => ({
      id,
      tokens,
      sumLogProb,
    }));
    expect(lines(output)).toEqual(expected);
  });

  it('continue prompts until an end token or the limit', async () => {
    const { folder } = storeModel(store.path, spec.model, weights);
    const file = join(store.path, 'data', spec.score?.data.digest ?? '', 'tokens.jsonl');
    const args = ['--generate', file, '--model', folder, '--max-new-tokens', '8', '--end-token', '0'];
    const { code, output } = await start(TRAINER, args).exit;
    expect(code).toBe(0);
    expect(lines(output)).toEqual(lines(readFileSync(scores, 'utf8')).map(({ id, generated }) => ({ id, generated })));
  });

  it('end with 65, 66 and 78 as a stage does', async () => {
    const { folder } = storeModel(store.path, spec.model, weights);
    const file = join(store.path, 'data', spec.score?.data.digest ?? '', 'manifest.json');
    const run = async (...args: string[]) => (await start(TRAINER, args).exit).code;
    expect(await run('--score', file, '--model', folder)).toBe(65);
    expect(await run('--score', join(store.path, 'absent'), '--model', folder)).toBe(66);
    expect(await run('--score', file, '--model', join(store.path, 'absent'))).toBe(66);
    expect(await run('--score', file)).toBe(78);
  });
});
