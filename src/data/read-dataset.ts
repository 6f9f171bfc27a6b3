import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DataRecipe, ExampleClass } from '../experiment/stage-spec.ts';
import { isTextKind, parseTextRecipe } from '../experiment/text-recipe.ts';
import { checkDataset, type DatasetManifest } from './build-dataset.ts';
import { DatasetError } from './dataset-content.ts';
import { grammarTokenizer } from './word-tokenizer.ts';

/** One example with its tokens. `responseTokens` ends with the end token; `response` is the text without it. */
export interface DatasetExample {
  readonly id: string;
  readonly class: ExampleClass;
  readonly notion: string;
  readonly cluster: string;
  readonly prompt: string;
  readonly response: string;
  readonly promptTokens: readonly number[];
  readonly responseTokens: readonly number[];
}

export interface Dataset {
  readonly manifest: DatasetManifest;
  readonly examples: readonly DatasetExample[];
  /** Text of generated ids, comparable with `response` (the end token is not expected among them). */
  readonly decode: (ids: readonly number[]) => string;
}

/** Reads `data/<digest>/` after checking its files. Throws DatasetError when it is absent or damaged. */
export async function readDataset(dataFolder: string, digest: string): Promise<Dataset> {
  const folder = join(dataFolder, digest);
  const manifest = await checkDataset(folder);
  if (!manifest) throw new DatasetError(`expected the dataset ${folder}, found none`);
  const [texts, tokens] = await Promise.all([
    readLines<Omit<DatasetExample, 'promptTokens' | 'responseTokens'>>(join(folder, 'examples.jsonl')),
    readLines<{ readonly id: string; readonly prompt: number[]; readonly response: number[] }>(
      join(folder, 'tokens.jsonl'),
    ),
  ]);
  if (texts.length !== manifest.rows || tokens.length !== manifest.rows)
    throw new DatasetError(
      `expected ${manifest.rows} rows in ${folder}, found ${texts.length} examples and ${tokens.length} token rows`,
    );
  const examples = texts.map((example, index) => {
    const row = tokens[index]!;
    if (row.id !== example.id)
      throw new DatasetError(`expected tokens of ${example.id} in row ${index + 1} of ${folder}, found ${row.id}`);
    return { ...example, promptTokens: row.prompt, responseTokens: row.response };
  });
  return { manifest, examples, decode: await decoderOf(dataFolder, folder) };
}

/** By the tokenizer that the recipe names: of a model of the store, or the grammar's. */
async function decoderOf(dataFolder: string, folder: string): Promise<Dataset['decode']> {
  const recipe = JSON.parse(await readFile(join(folder, 'recipe.json'), 'utf8')) as DataRecipe;
  if (!isTextKind(recipe.kind)) return grammarTokenizer().decode;
  const parsed = parseTextRecipe(recipe);
  if (!parsed.ok) throw new DatasetError(parsed.sentence);
  const { findTokenizer } = await import('./models/find-tokenizer.ts');
  return (await findTokenizer(join(dirname(dataFolder), 'models'), parsed.recipe.tokenizer)).decode;
}

async function readLines<Row>(path: string): Promise<Row[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}
