import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { modelOfConfig, modelOfGguf } from '../../experiment/foreign-model.ts';
import type { ModelSpec } from '../../experiment/stage-spec.ts';
import { readGgufHead } from './gguf-file.ts';
import { tokenizerOfGguf } from './gguf-tokenizer.ts';
import { checkSafetensors } from './safetensors-file.ts';
import { TOKENIZER_FILES } from './text-tokenizer.ts';
import { tokenizerOfVocabulary } from './vocabulary-tokenizer.ts';

/** A model as somebody else's files have it, read and found to be one that is trained here. */
export interface ModelSource {
  /** From the name of its file or folder. */
  readonly name: string;
  readonly licence?: string;
  readonly spec: ModelSpec;
  /** Files that hold tensors. */
  readonly weights: readonly string[];
  /** All that belongs into a model folder, tokenizer files among them. */
  readonly files: readonly ModelFile[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

export type ModelFile =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly text: string };

/** Thrown when a path holds no model that can be used. */
export class NoModel extends Error {
  override readonly name = 'NoModel';
}

/**
 * Reads a Hugging Face folder or a GGUF file. A folder that holds exactly one of them, at most `depth` folders down, is taken for it.
 * Throws `NoModel`, `BadGguf`, `NoTokenizer`.
 */
export async function readModelSource(path: string, depth = 0): Promise<ModelSource> {
  const about = await stat(path).catch(() => undefined);
  if (about === undefined) throw new NoModel(`expected a model folder or a GGUF file at ${path}, found nothing`);
  if (about.isFile()) {
    if (path.endsWith('.gguf')) return readGguf(path);
    throw new NoModel(`expected a model folder or a file NAME.gguf, got the file ${path}`);
  }
  const models = await modelsBelow(path, depth);
  if (models.length === 1) return models[0]!.endsWith('.gguf') ? readGguf(models[0]!) : readFolder(models[0]!);
  throw new NoModel(
    models.length === 0
      ? `expected ${path} to hold config.json beside *.safetensors, or a file NAME.gguf; found neither${await hint(path)}`
      : `expected one model in ${path}, found ${models.length}: ${models.join(', ')}. Give the path of one`,
  );
}

/** Folders with a config.json, and GGUF files, in a folder and `depth` folders down; nothing below a model folder. */
async function modelsBelow(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.map(({ name }) => name);
  if (names.includes('config.json') && names.some((name) => name.endsWith('.safetensors'))) return [folder];
  const files = names.filter((name) => name.endsWith('.gguf')).map((name) => join(folder, name));
  if (depth === 0) return files;
  const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const nested = await Promise.all(below.map(({ name }) => modelsBelow(join(folder, name), depth - 1)));
  return [...files, ...nested.flat()].sort();
}

async function hint(folder: string): Promise<string> {
  const names = await readdir(folder);
  const unsafe = names.find((name) => /^pytorch_model.*\.bin$|\.pt$|\.pth$/.test(name));
  return unsafe === undefined
    ? ''
    : `. ${unsafe} is a pickle, which runs code when it is read: save the model with safe_serialization first`;
}

function readGguf(path: string): ModelSource {
  const head = readGgufHead(path);
  const model = modelOfGguf(head, path);
  if (!model.ok) throw new NoModel(model.sentence);
  const licence = head.keys.get('general.license');
  const name = basename(path, '.gguf').replace(/[.-](?:[QI]Q?\d\w*|F16|F32|BF16)$/i, '');
  const common = {
    name: slug(name),
    ...(typeof licence === 'string' && { licence }),
    spec: model.spec,
    weights: ['model.gguf'],
  };
  const weights: ModelFile = { name: 'model.gguf', path };
  if (!head.keys.has('tokenizer.ggml.model'))
    return { ...common, files: [weights], notes: ['it has no tokenizer: texts cannot be used with it'] };
  const { tokenizer, config, chatTemplate } = tokenizerOfGguf(head, path);
  return {
    ...common,
    files: [
      weights,
      { name: 'tokenizer.json', text: `${JSON.stringify(tokenizer)}\n` },
      { name: 'tokenizer_config.json', text: `${JSON.stringify(config)}\n` },
      ...(chatTemplate === undefined ? [] : [{ name: 'chat_template.jinja', text: chatTemplate }]),
    ],
    notes: [],
  };
}

/** Taken along where they are: nothing of them decides a number. */
const COMPANIONS = [
  'generation_config.json',
  'special_tokens_map.json',
  'README.md',
  'LICENSE',
  'LICENSE.txt',
  'NOTICE',
];

async function readFolder(folder: string): Promise<ModelSource> {
  const names = new Set(await readdir(folder));
  const configPath = join(folder, 'config.json');
  const model = modelOfConfig(json(await readFile(configPath, 'utf8'), configPath), configPath);
  if (!model.ok) throw new NoModel(model.sentence);
  const index = names.has('model.safetensors.index.json');
  const weights = index ? await shardsOf(folder) : names.has('model.safetensors') ? ['model.safetensors'] : [];
  if (weights.length === 0)
    throw new NoModel(`expected ${folder} to hold model.safetensors or model.safetensors.index.json, found neither`);
  for (const name of weights) {
    if (!names.has(name))
      throw new NoModel(`expected the shard ${join(folder, name)} that the index names, found no such file`);
    const fault = await checkSafetensors(join(folder, name));
    if (fault !== undefined) throw new NoModel(fault);
  }
  const tokenizer = await tokenizerFiles(folder, names);
  const licence = names.has('README.md') ? licenceOfCard(await readFile(join(folder, 'README.md'), 'utf8')) : undefined;
  const copied = ['config.json', ...(index ? ['model.safetensors.index.json'] : []), ...weights, ...COMPANIONS];
  return {
    name: slug(basename(folder)),
    ...(licence !== undefined && { licence }),
    spec: model.spec,
    weights,
    files: [
      ...copied.filter((name) => names.has(name)).map((name) => ({ name, path: join(folder, name) })),
      ...tokenizer.files,
    ],
    notes: tokenizer.notes,
  };
}

const INDEX = z.looseObject({
  weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/)),
});

async function shardsOf(folder: string): Promise<string[]> {
  const path = join(folder, 'model.safetensors.index.json');
  const index = INDEX.safeParse(json(await readFile(path, 'utf8'), path));
  if (!index.success)
    throw new NoModel(`${path}: expected a weight_map from tensors to files NAME.safetensors beside it, got another`);
  return [...new Set(Object.values(index.data.weight_map))].sort();
}

async function tokenizerFiles(
  folder: string,
  names: ReadonlySet<string>,
): Promise<{ readonly files: readonly ModelFile[]; readonly notes: readonly string[] }> {
  const there = TOKENIZER_FILES.filter((name) => names.has(name)).map((name) => ({ name, path: join(folder, name) }));
  if (names.has('tokenizer.json')) return { files: there, notes: [] };
  if (names.has('vocab.json') && names.has('merges.txt')) {
    const [vocabulary, merges] = await Promise.all(
      ['vocab.json', 'merges.txt'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    const tokenizer = tokenizerOfVocabulary(vocabulary!, merges!, folder);
    return { files: [...there, { name: 'tokenizer.json', text: `${JSON.stringify(tokenizer)}\n` }], notes: [] };
  }
  const pieces = names.has('tokenizer.model')
    ? 'it has tokenizer.model alone, which is not read here; save it with transformers (AutoTokenizer … save_pretrained) to get tokenizer.json'
    : 'it has no tokenizer.json';
  return { files: [], notes: [`${pieces}: texts cannot be used with it`] };
}

/** `license:` of the YAML head of a model card. */
function licenceOfCard(card: string): string | undefined {
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1];
  return head === undefined ? undefined : /^license:\s*["']?([A-Za-z0-9._+-]+)/m.exec(head)?.[1];
}

function json(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoModel(`${path}: expected JSON, got ${text.length} characters that are none`);
  }
}

/** A name as sweeps and folders may bear it. */
export function slug(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return plain.slice(0, 41).replace(/^-+/, '').slice(0, 40).replace(/-+$/, '') || 'model';
}
