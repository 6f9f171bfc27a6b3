import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResultRefused, resultOf } from '../../src/artifacts/lineage.ts';
import type { StageResult } from '../../src/artifacts/stage-result.ts';
import { NOW, ROWS, SPEC, StageWorld } from './support/stage-world.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url).pathname;

let world: StageWorld;
beforeEach(async () => {
  world = await StageWorld.create();
});
afterEach(() => world.remove());

/** A trainer that runs from step 0 to 40 at once. */
async function uninterrupted(attempt = 1) {
  const writer = await world.writer(attempt, 'only');
  for (const step of [0, 20, 40]) {
    await writer.checkpoint(step);
    await writer.scores(step);
  }
  await writer.outcome(0, 40);
  return writer;
}

describe('the result of a stage', () => {
  it('names the final weights and every anchor up to the last step, with digests', async () => {
    await uninterrupted();
    const result = await resultOf(world.stage, 1, NOW);
    expect(result).toMatchObject({
      format: 'lethe-result/1',
      key: world.stage.key,
      attempt: 1,
      writer: 'only',
      steps: 40,
      stoppedBy: 'stop-rule',
      weights: { path: 'attempts/1/only/checkpoints/step-000040/model.safetensors' },
      lineage: [],
      trainerBuild: 'build of only',
      microBatchChanged: false,
      collectedAt: NOW,
    });
    expect(result.anchors.map(({ step, rows, path }) => [step, rows, path])).toEqual([
      [0, ROWS, 'attempts/1/only/scores/step-000000.jsonl'],
      [20, ROWS, 'attempts/1/only/scores/step-000020.jsonl'],
      [40, ROWS, 'attempts/1/only/scores/step-000040.jsonl'],
    ]);
    for (const { sha256, bytes } of result.anchors) expect([sha256.length, bytes > 0]).toEqual([64, true]);
  });

  it('takes the step at which a stop rule ended training for the last anchor', async () => {
    const writer = await world.writer(1, 'w');
    for (const step of [0, 20, 33]) await writer.scores(step);
    await writer.checkpoint(33);
    await writer.outcome(0, 33);
    expect((await resultOf(world.stage, 1, NOW)).anchors.map(({ step }) => step)).toEqual([0, 20, 33]);
  });

  it('takes each anchor from the newest writer of the chain that has it whole', async () => {
    const first = await world.writer(1, 'first');
    for (const step of [0, 20]) await first.scores(step);
    await first.checkpoint(20);
    const second = await world.writer(2, 'second', '1/first/step-000020');
    await second.scores(20, ROWS - 1);
    await second.scores(40);
    await second.checkpoint(40);
    await second.outcome(0, 40);
    const result = await resultOf(world.stage, 2, NOW);
    expect(result.anchors.map(({ path }) => path.split('/')[2])).toEqual(['first', 'first', 'second']);
    expect(result.lineage).toEqual(['1/first/step-000020']);
    await second.scores(20);
    const again = await resultOf(world.stage, 2, NOW);
    expect(again.anchors.map(({ path }) => path.split('/')[2])).toEqual(['first', 'second', 'second']);
  });

  it('lists its lineage oldest first', async () => {
    const a = await world.writer(1, 'a');
    await a.scores(0);
    await a.checkpoint(10);
    await (await world.writer(1, 'b', '1/a/step-000010')).checkpoint(20);
    const c = await world.writer(3, 'c', '1/b/step-000020');
    for (const step of [20, 40]) await c.scores(step);
    await c.checkpoint(40);
    await c.outcome(0, 40);
    expect((await resultOf(world.stage, 3, NOW)).lineage).toEqual(['1/a/step-000010', '1/b/step-000020']);
  });

  it('does not take what a predecessor did behind the step that its successor started from', async () => {
    const first = await world.writer(1, 'first');
    for (const step of [0, 20, 40]) await first.scores(step);
    await first.checkpoint(40);
    const second = await world.writer(2, 'second', '1/first/step-000010');
    await second.outcome(0, 40);
    await second.checkpoint(40);
    await second.scores(20);
    await expect(resultOf(world.stage, 2, NOW)).rejects.toThrow(
      /anchor 40: expected scores of 3 examples in the lineage, got none/,
    );
  });

  it('does not take the scores of a writer outside the chain', async () => {
    await uninterrupted(1);
    const other = await world.writer(2, 'other');
    await other.checkpoint(40);
    for (const step of [0, 20]) await other.scores(step);
    await other.outcome(0, 40);
    await expect(resultOf(world.stage, 2, NOW)).rejects.toThrow('anchor 40');
  });

  it('takes the final weights from a predecessor that was killed after its last checkpoint', async () => {
    const first = await world.writer(1, 'first');
    for (const step of [0, 20]) await first.scores(step);
    await first.checkpoint(40);
    const second = await world.writer(2, 'second', '1/first/step-000040');
    await second.scores(40);
    await second.outcome(0, 40);
    const { weights } = await resultOf(world.stage, 2, NOW);
    expect(weights?.path).toBe('attempts/1/first/checkpoints/step-000040/model.safetensors');
  });

  it('says when a step of the lineage had another micro-batch than the first attempt', async () => {
    await uninterrupted(2);
    await world.job(1, 4);
    await world.job(2, 4);
    expect((await resultOf(world.stage, 2, NOW)).microBatchChanged).toBe(false);
    await uninterrupted(3);
    await world.job(3, 2);
    expect((await resultOf(world.stage, 3, NOW)).microBatchChanged).toBe(true);
  });

  it.each([
    ['no writer that ended with code 0', async () => void (await world.writer(1, 'w')), /code 0, got no outcome/],
    ['another code', async () => (await world.writer(1, 'w')).outcome(81, 3), /got code 81 \(ended with 81\)/],
    [
      'an anchor cut off',
      async () => (await uninterrupted()).scores(20, ROWS - 1),
      /anchor 20: expected scores of 3 examples in the lineage, got 2 lines in/,
    ],
    [
      'damaged weights',
      async () =>
        (await uninterrupted()).write('checkpoints/step-000040/model.safetensors', 'model.safetensors of step 41'),
      /expected the weights of step 40/,
    ],
    [
      'a lineage without its beginning',
      async () => (await world.writer(1, 'w', '1/gone/step-000020')).outcome(0, 40),
      /gone: expected from.json of the lineage/,
    ],
    [
      'a lineage in a circle',
      async () => {
        await world.writer(1, 'a', '1/b/step-000020');
        await (await world.writer(1, 'b', '1/a/step-000020')).outcome(0, 40);
      },
      /a circle/,
    ],
    [
      'a lineage that leads out of the stage',
      async () => (await world.writer(1, 'w', '1/../../step-000020')).outcome(0, 40),
      /expected checkpoint <attempt>\/<writer>\/step-NNNNNN/,
    ],
  ])('is refused with a sentence for %s', async (_, prepare, sentence) => {
    await prepare();
    await expect(resultOf(world.stage, 1, NOW)).rejects.toThrow(ResultRefused);
    await expect(resultOf(world.stage, 1, NOW)).rejects.toThrow(sentence);
  });

  it('of a score stage has one anchor and no weights', async () => {
    const { train: _, ...scoreOnly } = SPEC;
    const scoring = await StageWorld.create({ ...scoreOnly, kind: 'score' });
    const writer = await scoring.writer(1, 'w');
    await writer.scores(0);
    await writer.outcome(0, 0);
    const result = await resultOf(scoring.stage, 1, NOW);
    expect(result.anchors.map(({ step }) => step)).toEqual([0]);
    expect(result).not.toHaveProperty('weights');
    await scoring.remove();
  });

  it('of the finished stage that both languages test with is the one beside it', async () => {
    const expected = JSON.parse(await readFile(join(FIXTURES, 'stage/result.json'), 'utf8')) as StageResult;
    const stage = world.store.stage(expected.key);
    await cp(join(FIXTURES, 'stage'), stage.path, { recursive: true });
    await cp(join(FIXTURES, 'data'), join(world.store.path, 'data'), { recursive: true });
    expect(await resultOf(stage, expected.attempt, expected.collectedAt)).toEqual(expected);
    expect(await stage.result()).toEqual(expected);
    expect((await stage.history()).evidence).toHaveLength(expected.attempt);
  });
});
