import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputCatalogOfStore } from '../../src/artifacts/input-catalog-of-store.ts';
import { addModel } from '../../src/cli/inputs/add-model.ts';
import { addSource } from '../../src/cli/inputs/add-source.ts';
import { buildDataset } from '../../src/data/build-dataset.ts';
import { DatasetError } from '../../src/data/dataset-content.ts';
import { readDataset } from '../../src/data/read-dataset.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { DataRecipe } from '../../src/experiment/stage-spec.ts';
import { writeLookAlikes } from '../support/look-alike-texts.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-text-data-'));
const store = join(folder, 'store');
const data = join(store, 'data');
const given = { link: false, replace: false } as const;
let recipe: DataRecipe;

beforeAll(async () => {
  await addModel(store, { ...given, what: writeTinyModel(join(folder, 'tiny')), say: () => undefined });
  const { bbq, gsm8k } = writeLookAlikes(folder);
  await addSource(store, { ...given, kind: 'bbq', path: bbq, name: 'bbq' });
  await addSource(store, { ...given, kind: 'gsm8k', path: gsm8k, name: 'gsm8k' });
  const { weights, sources } = await inputCatalogOfStore(store);
  recipe = {
    ...{ kind: 'bbq-gsm8k', version: 1, seed: 1, unsafeShare: 0.5, taskAnswer: 'final', maxTokens: 256 },
    tokenizer: weights.tiny!.tokenizer!,
    sources: { bbq: sources.bbq!.digest, gsm8k: sources.gsm8k!.digest },
    parts: ['unsafe', 'safe', 'task'].map((own) => ({ class: own, split: 'noisy', count: 6 })),
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

const refer = (of: DataRecipe) => ({ digest: digestOf(of), recipe: of });

describe('a dataset of texts', () => {
  it("is built from the store's sources in the model's tokens, and read with the model's words", async () => {
    const manifest = await buildDataset(data, refer(recipe));
    expect(manifest).toMatchObject({ rows: 18, vocabulary: 384, endToken: 2, leftOut: 0, lengths: { rows: 18 } });
    const dataset = await readDataset(data, manifest.digest);
    for (const { prompt, response, promptTokens, responseTokens, notion } of dataset.examples) {
      expect(notion).toBe('bias');
      expect(dataset.decode(responseTokens)).toBe(response);
      expect(dataset.decode(promptTokens)).toBe(prompt.replaceAll(/<\|im_(start|end)\|>/g, ''));
      expect(promptTokens.length + responseTokens.length).toBeLessThanOrEqual(manifest.lengths!.longest);
    }
  });

  it('has the same bytes wherever it is built from the same recipe', async () => {
    const manifest = await buildDataset(data, refer(recipe));
    const before = readFileSync(join(data, manifest.digest, 'tokens.jsonl'));
    rmSync(join(data, manifest.digest), { recursive: true });
    await buildDataset(data, refer(recipe));
    expect(readFileSync(join(data, manifest.digest, 'tokens.jsonl'))).toEqual(before);
  });

  it('that cannot be made is refused in a sentence with the command, and leaves no folder', async () => {
    const other = '0'.repeat(64);
    const wrong: readonly (readonly [DataRecipe, RegExp])[] = [
      [{ ...recipe, tokenizer: other }, /expected a model with the tokenizer 000000000000.*lethe model add/],
      [{ ...recipe, sources: { bbq: other, gsm8k: other } }, /expected the data source 000000000000.*lethe data add/],
      [{ ...recipe, parts: [{ class: 'task', split: 'noisy', count: 50 }] }, /expected 50 task examples/],
      [{ ...recipe, version: 2 }, /wrong at version/],
      [{ ...recipe, tokenizers: 'x' }, /expected a recipe of kind bbq-gsm8k or jsonl/],
    ];
    const before = readdirSync(data);
    for (const [bad, sentence] of wrong) {
      const failure = await buildDataset(data, refer(bad)).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DatasetError);
      expect((failure as Error).message).toMatch(sentence);
    }
    expect(readdirSync(data)).toEqual(before);
  });

  it('is not built from a source that was changed since it was added', async () => {
    const { sources } = await inputCatalogOfStore(store);
    appendFileSync(join(store, 'data-sources', sources.gsm8k!.digest, 'train.jsonl'), '\n');
    const failure = buildDataset(data, refer({ ...recipe, seed: 2 }));
    await expect(failure).rejects.toThrow(
      /train\.jsonl as it was added, found other bytes; see: lethe data check gsm8k/,
    );
  });
});
