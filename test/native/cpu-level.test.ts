import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tinyStage, writeData, writeStage } from './support/tiny-stage.ts';
import { readJson, start, TRAINER, temporaryStore, trainer, writerOf } from './support/trainer.ts';

let store: ReturnType<typeof temporaryStore>;
let stage: string;
beforeEach(() => {
  store = temporaryStore();
  stage = writeStage(
    store.path,
    tinyStage(writeData(store.path, { rows: 12, promptTokens: 5, responseTokens: 5 }), { steps: 20 }),
  );
});
afterEach(() => store.remove());

interface Origin {
  readonly numerics: { readonly cpu: string };
  readonly checkpointNumerics?: { readonly cpu: string };
}

const originOf = (attempt: number) => readJson<Origin>(writerOf(stage, attempt), 'from.json');
const sumsOf = (attempt: number) =>
  readFileSync(join(writerOf(stage, attempt), 'scores/step-000020.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { sumLogProb: number }).sumLogProb);

async function levelOf(environment: Record<string, string>): Promise<string> {
  const { output } = await start(TRAINER, ['--version'], environment).exit;
  return (JSON.parse(output) as { cpu: string }).cpu;
}

it('LETHE_CPU_LEVEL lowers the level; a word that is none leaves the best', async () => {
  expect(await levelOf({ LETHE_CPU_LEVEL: 'generic' })).toBe('generic');
  expect(await levelOf({ LETHE_CPU_LEVEL: 'fastest' })).toBe(await levelOf({}));
});

it('a training at another level agrees within rounding', async () => {
  expect((await trainer(stage, 1).exit).code).toBe(0);
  const best = sumsOf(1);
  rmSync(join(stage, 'attempts/1'), { recursive: true });
  expect((await trainer(stage, 1, [], { LETHE_CPU_LEVEL: 'generic' }).exit).code).toBe(0);
  expect(originOf(1).numerics.cpu).toBe('generic');
  for (const [row, sum] of sumsOf(1).entries()) expect(Math.abs(sum - (best[row] ?? 0))).toBeLessThan(2e-3);
});

it('a writer that goes on from the checkpoint of another level says which', async () => {
  expect((await trainer(stage, 1, ['--checkpoint-every', '10'], { LETHE_CPU_LEVEL: 'generic' }).exit).code).toBe(0);
  expect(originOf(1).checkpointNumerics).toBeUndefined();
  for (const path of ['outcome.json', 'checkpoints/step-000020', 'scores/step-000020.jsonl'])
    rmSync(join(writerOf(stage, 1), path), { recursive: true });
  const best = await levelOf({});
  expect((await trainer(stage, 2).exit).code).toBe(0);
  expect(originOf(2).numerics.cpu).toBe(best);
  expect(originOf(2).checkpointNumerics?.cpu).toBe(best === 'generic' ? undefined : 'generic');
});
