import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resultOf } from '../../src/artifacts/lineage.ts';
import { Store } from '../../src/artifacts/store.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import { tinyStage, writeData, writeStage } from './support/tiny-stage.ts';
import { digestsOf, outcomeOf, readJson, sha256Of, temporaryStore, trainer, writerOf } from './support/trainer.ts';

let store: ReturnType<typeof temporaryStore>;
let spec: StageSpec;
let stage: string;
beforeEach(() => {
  store = temporaryStore();
  spec = tinyStage(writeData(store.path, { rows: 12, promptTokens: 5, responseTokens: 5 }));
  stage = writeStage(store.path, spec);
});
afterEach(() => store.remove());

/** A first attempt that looks killed behind its second last checkpoint; returns its digests as they were at its end. */
async function killedAttempt(args: readonly string[] = []): Promise<Record<string, string>> {
  expect((await trainer(stage, 1, args).exit).code).toBe(0);
  const digests = digestsOf(stage, 1);
  for (const path of ['outcome.json', 'checkpoints/step-000040', 'scores/step-000040.jsonl']) {
    rmSync(join(writerOf(stage, 1), path), { recursive: true });
  }
  return digests;
}

function originOf(attempt: number): { checkpoint: string | null; step: number } {
  return readJson(writerOf(stage, attempt), 'from.json');
}

const nameOf = (attempt: number) => writerOf(stage, attempt).split('/').at(-1);

describe('a successor', () => {
  it('goes on from the newest checkpoint and does again only what is missing', async () => {
    const before = await killedAttempt(['--checkpoint-every', '10']);
    expect((await trainer(stage, 2).exit).code).toBe(0);
    expect(originOf(2)).toMatchObject({ checkpoint: `1/${nameOf(1)}/step-000030`, step: 30 });
    const after = digestsOf(stage, 2);
    expect(Object.keys(after)).toEqual([
      'checkpoints/step-000040/model.safetensors',
      'checkpoints/step-000040/optimizer.safetensors',
      'scores/step-000040.jsonl',
    ]);
    for (const [path, digest] of Object.entries(after))
      expect({ path, digest }).toEqual({ path, digest: before[path] });
  });

  it('first scores the anchors that the chain lacks', async () => {
    const before = await killedAttempt();
    for (const step of ['000000', '000020']) rmSync(join(writerOf(stage, 1), `scores/step-${step}.jsonl`));
    expect((await trainer(stage, 2).exit).code).toBe(0);
    expect(originOf(2)).toMatchObject({ checkpoint: `1/${nameOf(1)}/step-000020`, step: 20 });
    const after = digestsOf(stage, 2);
    for (const step of ['000000', '000020', '000040']) {
      expect(after[`scores/step-${step}.jsonl`]).toBe(before[`scores/step-${step}.jsonl`]);
    }
    expect(Object.keys(after)).toHaveLength(5);
  });

  it('takes a file of scores that was cut short for none', async () => {
    const before = await killedAttempt();
    const scores = join(writerOf(stage, 1), 'scores/step-000020.jsonl');
    writeFileSync(scores, readFileSync(scores).subarray(0, -30));
    expect((await trainer(stage, 2).exit).code).toBe(0);
    expect(digestsOf(stage, 2)['scores/step-000020.jsonl']).toBe(before['scores/step-000020.jsonl']);
  });

  it('takes an older checkpoint when a byte of the newest is wrong', async () => {
    const before = await killedAttempt(['--checkpoint-every', '10']);
    expect((await trainer(stage, 2).exit).code).toBe(0);
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const path = join(writerOf(stage, 2), 'checkpoints/step-000040', file);
      const bytes = readFileSync(path);
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 4;
      writeFileSync(path, bytes);
      expect((await trainer(stage, 3).exit).code).toBe(0);
      expect(originOf(3).checkpoint).toBe(`1/${nameOf(1)}/step-000030`);
      expect(digestsOf(stage, 3)['checkpoints/step-000040/model.safetensors']).toBe(
        before['checkpoints/step-000040/model.safetensors'],
      );
      rmSync(join(stage, 'attempts/3'), { recursive: true });
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 4;
      writeFileSync(path, bytes);
    }
  });

  it('begins again when an anchor is lost together with its checkpoint', async () => {
    const before = await killedAttempt(['--checkpoint-every', '5']);
    rmSync(join(writerOf(stage, 1), 'scores/step-000020.jsonl'));
    expect((await trainer(stage, 2).exit).code).toBe(0);
    expect(originOf(2)).toMatchObject({ checkpoint: null, step: 0 });
    for (const [path, digest] of Object.entries(digestsOf(stage, 2))) {
      if (before[path] !== undefined) expect({ path, digest }).toEqual({ path, digest: before[path] });
    }
    expect(digestsOf(stage, 2)['scores/step-000020.jsonl']).toBe(before['scores/step-000020.jsonl']);
  });

  it('of a finished attempt that was never collected holds the end itself', async () => {
    expect((await trainer(stage, 1).exit).code).toBe(0);
    rmSync(join(writerOf(stage, 1), 'outcome.json'));
    expect((await trainer(stage, 2).exit).code).toBe(0);
    expect(originOf(2).step).toBe(40);
    expect(outcomeOf(stage, 2)).toMatchObject({ code: 0, step: 40, stoppedBy: 'step-limit' });
    expect(digestsOf(stage, 2)['checkpoints/step-000040/model.safetensors']).toBe(
      digestsOf(stage, 1)['checkpoints/step-000040/model.safetensors'],
    );
  });

  it('may be alive with its predecessor: both end with the same bits', async () => {
    const both = await Promise.all([trainer(stage, 1).exit, trainer(stage, 2).exit]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    for (const path of ['checkpoints/step-000040/model.safetensors', 'checkpoints/step-000040/optimizer.safetensors']) {
      expect(digestsOf(stage, 1)[path]).toBe(digestsOf(stage, 2)[path]);
    }
  });
});

describe('a stage that starts from', () => {
  const child = (start: StageSpec['start']) => writeStage(store.path, { ...spec, kind: 'review', start });
  const modelOf = (folder: string) => join(writerOf(folder, 1), 'checkpoints/step-000040/model.safetensors');

  async function finishParent(): Promise<{ key: string; model: string; scores: string }> {
    expect((await trainer(stage, 1).exit).code).toBe(0);
    const key = stage.slice(-64);
    const folder = (await Store.create(store.path, { address: '127.0.0.1:1', namespace: 'none' })).stage(key);
    writeFileSync(join(stage, 'result.json'), JSON.stringify(await resultOf(folder, 1, '2026-01-01T00:00:00.000Z')));
    return { key, model: modelOf(stage), scores: sha256Of(join(writerOf(stage, 1), 'scores/step-000040.jsonl')) };
  }

  it('another stage has its final weights: the first scores are the last ones of that stage', async () => {
    const parent = await finishParent();
    const folder = child({ kind: 'stage', key: parent.key });
    expect(await trainer(folder, 1).exit).toMatchObject({ code: 0, output: '' });
    expect(sha256Of(join(writerOf(folder, 1), 'scores/step-000000.jsonl'))).toBe(parent.scores);
    expect(sha256Of(modelOf(folder))).not.toBe(sha256Of(parent.model));
  });

  it('weights of another digest is refused', async () => {
    const parent = await finishParent();
    writeFileSync(parent.model, Buffer.concat([readFileSync(parent.model).subarray(0, -8), Buffer.alloc(8)]));
    expect(await trainer(child({ kind: 'stage', key: parent.key }), 1).exit).toMatchObject({
      code: 65,
      output: expect.stringMatching(/model\.safetensors: expected sha256 [0-9a-f]{64}, found/),
    });
  });

  it('a stage that is not done says so', async () => {
    expect(await trainer(child({ kind: 'stage', key: 'ab'.repeat(32) }), 1).exit).toMatchObject({
      code: 66,
      output: expect.stringContaining('the stage that this one starts from is not done'),
    });
  });
});

describe('micro-batches', () => {
  it('change results by rounding only, uneven ones too', async () => {
    const sums = async (args: readonly string[]) => {
      const alone = temporaryStore();
      const folder = writeStage(
        alone.path,
        tinyStage(writeData(alone.path, { rows: 12, promptTokens: 5, responseTokens: 5 })),
      );
      expect((await trainer(folder, 1, args).exit).code).toBe(0);
      const lines = readFileSync(join(writerOf(folder, 1), 'scores/step-000040.jsonl'), 'utf8')
        .trimEnd()
        .split('\n');
      alone.remove();
      return lines.map((line) => (JSON.parse(line) as { sumLogProb: number }).sumLogProb);
    };
    const whole = await sums([]);
    for (const args of [
      ['--micro-batch', '4'],
      ['--accumulate', '6'],
      ['--micro-batch', '3', '--accumulate', '2', '--recompute'],
    ]) {
      const parts = await sums(args);
      for (const [row, sum] of parts.entries()) expect(Math.abs(sum - (whole[row] ?? 0))).toBeLessThan(2e-3);
    }
  });
});
