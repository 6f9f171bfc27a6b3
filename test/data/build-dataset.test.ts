import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { buildDataset, checkDataset } from '../../src/data/build-dataset.ts';
import { DatasetError } from '../../src/data/dataset-content.ts';
import { readDataset } from '../../src/data/read-dataset.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { DataRecipe, DataReference } from '../../src/experiment/stage-spec.ts';

const folders: string[] = [];

async function setup(): Promise<{ folder: string; reference: DataReference }> {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-dataset-'));
  folders.push(folder);
  return { folder: join(folder, 'data'), reference: refer(1) };
}

function refer(seed: number): DataReference {
  const recipe: DataRecipe = {
    kind: 'policy-grammar',
    version: 1,
    templates: 'disjoint',
    seed,
    parts: [
      { notion: 'disclosure', class: 'unsafe', split: 'noisy', count: 8 },
      { notion: 'disclosure', class: 'task', split: 'noisy', count: 8 },
    ],
  };
  return { digest: digestOf(recipe), recipe };
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describe('buildDataset', () => {
  it('publishes text, tokens, recipe and manifest under the digest of the recipe', async () => {
    const { folder, reference } = await setup();
    const manifest = await buildDataset(folder, reference);
    expect(await readdir(folder)).toEqual([reference.digest]);
    expect((await readdir(join(folder, reference.digest))).sort()).toEqual([
      'examples.jsonl',
      'manifest.json',
      'recipe.json',
      'tokens.jsonl',
    ]);
    expect(manifest).toMatchObject({ format: 'lethe-data/1', rows: 16, vocabulary: 253, endToken: 0 });
    const tokens = (await readFile(join(folder, reference.digest, 'tokens.jsonl'), 'utf8')).trim().split('\n');
    expect(tokens).toHaveLength(16);
    expect(JSON.parse(tokens[0]!)).toMatchObject({ id: 'disclosure-unsafe-noisy-0000', class: 'unsafe' });
  });

  it('keeps the bytes of grammar version 1', async () => {
    const { folder, reference } = await setup();
    const { files } = await buildDataset(folder, reference);
    expect(files['examples.jsonl']!.sha256).toBe('2ac3a215ef126b5988bf768c72939390189dd6b73294c8e0fd7564187beb383b');
    expect(files['tokens.jsonl']!.sha256).toBe('187a1037459432f729069a1fdb3344f41d267ef87acef8cac73bf9bd553b09db');
  });

  it('finds what it made and leaves it untouched', async () => {
    const { folder, reference } = await setup();
    const first = await buildDataset(folder, reference);
    expect(await buildDataset(folder, reference)).toEqual(first);
  });

  it('lets several makers at once agree on one folder and leaves nothing else behind', async () => {
    const { folder, reference } = await setup();
    const manifests = await Promise.all(Array.from({ length: 8 }, () => buildDataset(folder, reference)));
    for (const manifest of manifests) expect(manifest).toEqual(manifests[0]);
    expect(await readdir(folder)).toEqual([reference.digest]);
  });

  it('refuses a dataset whose bytes are not those of its manifest, by file', async () => {
    const { folder, reference } = await setup();
    await buildDataset(folder, reference);
    await writeFile(join(folder, reference.digest, 'tokens.jsonl'), '{}\n');
    await expect(buildDataset(folder, reference)).rejects.toThrow(/tokens\.jsonl with sha256 .* remove the folder/);
    await rm(join(folder, reference.digest, 'tokens.jsonl'));
    await expect(readDataset(folder, reference.digest)).rejects.toThrow('no file');
  });

  it('refuses a recipe under a digest that is not its own', async () => {
    const { folder, reference } = await setup();
    const wrong = { digest: refer(2).digest, recipe: reference.recipe };
    await expect(buildDataset(folder, wrong)).rejects.toThrow(DatasetError);
    expect(await checkDataset(join(folder, wrong.digest))).toBeUndefined();
  });

  it('refuses a recipe that it does not know, with the place of the fault', async () => {
    const { folder } = await setup();
    const recipe = { ...refer(1).recipe, version: 2 };
    await expect(buildDataset(folder, { digest: digestOf(recipe), recipe })).rejects.toThrow('version');
  });
});

describe('readDataset', () => {
  it('joins text and tokens, and decodes generated ids into comparable text', async () => {
    const { folder, reference } = await setup();
    await buildDataset(folder, reference);
    const { examples, decode, manifest } = await readDataset(folder, reference.digest);
    expect(examples).toHaveLength(16);
    for (const example of examples) {
      expect(decode(example.promptTokens)).toBe(example.prompt);
      expect(example.responseTokens.at(-1)).toBe(manifest.endToken);
      expect(decode(example.responseTokens.slice(0, -1))).toBe(example.response);
    }
  });

  it('says that a dataset is missing', async () => {
    const { folder } = await setup();
    await expect(readDataset(folder, 'a'.repeat(64))).rejects.toThrow('found none');
  });
});
