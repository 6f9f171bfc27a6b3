import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelManifest, modelManifestSchema, tokenizerDigest } from '../../experiment/input-manifests.ts';
import { NoTokenizer } from './gguf-tokenizer.ts';
import { readTextTokenizer, type TextTokenizer, TOKENIZER_FILES } from './text-tokenizer.ts';

const read = new Map<string, Promise<TextTokenizer>>();

/** The tokenizer with this digest, from any model of the store that has it. Read once a process. Throws `NoTokenizer`. */
export function findTokenizer(modelsFolder: string, digest: string): Promise<TextTokenizer> {
  const known = read.get(digest);
  if (known !== undefined) return known;
  const found = search(modelsFolder, digest);
  read.set(digest, found);
  found.catch(() => read.delete(digest));
  return found;
}

async function search(modelsFolder: string, digest: string): Promise<TextTokenizer> {
  const names = await readdir(modelsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names.filter((each) => /^[0-9a-f]{64}$/.test(each)).sort()) {
    const folder = join(modelsFolder, name);
    const manifest = await manifestOf(folder);
    if (manifest?.tokenizer?.digest !== digest) continue;
    await requireSameFiles(folder, manifest, digest);
    return readTextTokenizer(folder);
  }
  throw new NoTokenizer(
    `expected a model with the tokenizer ${digest.slice(0, 12)} in ${modelsFolder}, found none; add the model again: lethe model add`,
  );
}

async function manifestOf(folder: string): Promise<ModelManifest | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = modelManifestSchema.safeParse(JSON.parse(text));
  return parsed.success ? (JSON.parse(text) as ModelManifest) : undefined;
}

/** Tokens decide what is trained: a file that was changed since must not go by the old digest. */
async function requireSameFiles(folder: string, manifest: ModelManifest, digest: string): Promise<void> {
  const names = TOKENIZER_FILES.filter((name) => manifest.files[name] !== undefined);
  const found = await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return [name, { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }] as const;
    }),
  );
  if (tokenizerDigest(Object.fromEntries(found), names) === digest) return;
  throw new NoTokenizer(
    `expected the tokenizer files of ${folder} as they were added, found changed ones; see: lethe model check ${manifest.name}`,
  );
}
