import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, digestOf } from '../experiment/canonical-json.ts';
import type { SequenceLengths } from '../experiment/sequence-lengths.ts';
import type { DataReference } from '../experiment/stage-spec.ts';
import { contentOfDataset, DatasetError } from './dataset-content.ts';

/** `data/<digest>/manifest.json`. */
export interface DatasetManifest {
  readonly format: 'lethe-data/1';
  /** sha256 of the canonical JSON of the recipe: the folder's name. */
  readonly digest: string;
  readonly rows: number;
  readonly vocabulary: number;
  readonly endToken: number;
  /** Of texts only. */
  readonly lengths?: SequenceLengths;
  readonly leftOut?: number;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

/**
 * Makes `<dataFolder>/<digest>/` from the recipe, or checks the one that is there, file by file. The folder appears whole or not at all;
 * of several makers at once the first wins and the others take its folder, which holds the same bytes.
 */
export async function buildDataset(dataFolder: string, reference: DataReference): Promise<DatasetManifest> {
  const digest = digestOf(reference.recipe);
  if (digest !== reference.digest)
    throw new DatasetError(`expected a recipe with digest ${reference.digest}, got one with ${digest}`);
  const folder = join(dataFolder, digest);
  const present = await checkDataset(folder);
  if (present) return present;

  const { manifest, files } = await render(dataFolder, reference);
  await mkdir(dataFolder, { recursive: true });
  const temporary = join(dataFolder, `.${digest.slice(0, 12)}-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(temporary);
    for (const [name, text] of Object.entries(files)) await writeDurably(join(temporary, name), text);
    await syncFolder(temporary);
    await rename(temporary, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    await syncFolder(dataFolder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const published = await checkDataset(folder);
  if (!published) throw new DatasetError(`expected the dataset that was just made in ${folder}, found none`);
  if (canonicalJson(published) !== canonicalJson(manifest))
    throw new DatasetError(
      `expected ${folder} to hold what this release makes of its recipe, found other bytes; raise the grammar's version when it changes`,
    );
  return published;
}

/** The manifest of a dataset whose files all have the bytes that it names; undefined when there is no such folder. Throws DatasetError. */
export async function checkDataset(folder: string): Promise<DatasetManifest | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const manifest = JSON.parse(text) as DatasetManifest;
  for (const [name, expected] of Object.entries(manifest.files)) {
    const bytes = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new DatasetError(damaged(folder, name, expected.sha256, 'no file'));
      throw error;
    });
    const found = sha256Of(bytes);
    if (found !== expected.sha256)
      throw new DatasetError(damaged(folder, name, expected.sha256, `${found.slice(0, 12)}…`));
  }
  return manifest;
}

function damaged(folder: string, name: string, expected: string, found: string): string {
  return `expected ${join(folder, name)} with sha256 ${expected.slice(0, 12)}…, found ${found}; remove the folder, it is made again from its recipe`;
}

async function render(
  dataFolder: string,
  reference: DataReference,
): Promise<{ manifest: DatasetManifest; files: Record<string, string> }> {
  const { examples, tokens, vocabulary, endToken, texts } = await contentOfDataset(dataFolder, reference.recipe);
  const contents: Record<string, string> = {
    'recipe.json': `${canonicalJson(reference.recipe)}\n`,
    'examples.jsonl': lines(examples),
    'tokens.jsonl': lines(tokens),
  };
  const manifest: DatasetManifest = {
    format: 'lethe-data/1',
    digest: reference.digest,
    rows: examples.length,
    vocabulary,
    endToken,
    ...texts,
    files: Object.fromEntries(
      Object.entries(contents).map(([name, text]) => [
        name,
        { sha256: sha256Of(Buffer.from(text)), bytes: Buffer.byteLength(text) },
      ]),
    ),
  };
  return { manifest, files: { ...contents, 'manifest.json': `${JSON.stringify(manifest, null, 2)}\n` } };
}

function lines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
