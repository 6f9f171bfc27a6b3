import { join } from 'node:path';
import { modelsFolder, sourcesFolder } from '../../artifacts/input-catalog-of-store.ts';
import { faultsOfFolder } from '../../artifacts/input-folder.ts';
import { InputNames } from '../../artifacts/input-names.ts';
import { readModelSource } from '../../data/models/model-source.ts';
import { readTextTokenizer, TOKENIZER_FILES } from '../../data/models/text-tokenizer.ts';
import { canonicalJson } from '../../experiment/canonical-json.ts';
import {
  type ModelManifest,
  modelDigest,
  modelManifestSchema,
  type SourceManifest,
  sourceDigest,
  sourceManifestSchema,
  tokenizerDigest,
} from '../../experiment/input-manifests.ts';
import { suggest } from '../../experiment/suggest.ts';
import { BadInput } from '../exit-codes.ts';

export interface Checked<Manifest> {
  readonly name: string;
  readonly manifest: Manifest;
  /** One sentence each; none when all is well. */
  readonly faults: readonly string[];
}

/** Reads every byte of a model again: sums, digest, shape as its own config says, and that its tokenizer works. */
export async function checkModel(store: string, name: string): Promise<Checked<ModelManifest>> {
  const parent = modelsFolder(store);
  const manifest = await known<ModelManifest>(new InputNames(parent), name, 'model', modelManifestSchema);
  const folder = join(parent, manifest.digest);
  const faults = await faultsOfFolder(folder, manifest.files);
  if (modelDigest(manifest.files) !== manifest.digest)
    faults.push(`${folder}: expected a manifest whose files have the digest of the folder, found a changed one`);
  if (faults.length > 0) return { name, manifest, faults };
  const { spec } = await readModelSource(
    manifest.weights.length === 1 && manifest.weights[0] === 'model.gguf' ? join(folder, 'model.gguf') : folder,
  );
  if (canonicalJson(spec) !== canonicalJson(manifest.spec))
    faults.push(`${folder}: expected the shape in its manifest to be that of its own files, found another`);
  if (manifest.tokenizer) {
    const names = TOKENIZER_FILES.filter((file) => manifest.files[file] !== undefined);
    if (tokenizerDigest(manifest.files, names) !== manifest.tokenizer.digest)
      faults.push(`${folder}: expected the tokenizer's digest in its manifest to be that of its files, found another`);
    const tokenizer = await readTextTokenizer(folder);
    const ids = tokenizer.encode(PROBE);
    if (ids.length === 0 || ids.some((id) => id >= manifest.spec.vocabulary) || tokenizer.decode(ids) === '')
      faults.push(
        `${folder}: expected its tokenizer to turn ${JSON.stringify(PROBE)} into ids below ${manifest.spec.vocabulary} and back, it does not`,
      );
  }
  return { name, manifest, faults };
}

const PROBE = '12 boats in the harbour';

/** Reads every byte of a data source again. */
export async function checkSource(store: string, name: string): Promise<Checked<SourceManifest>> {
  const parent = sourcesFolder(store);
  const manifest = await known<SourceManifest>(new InputNames(parent), name, 'data source', sourceManifestSchema);
  const folder = join(parent, manifest.digest);
  const faults = await faultsOfFolder(folder, manifest.files);
  if (sourceDigest(manifest.kind, manifest.files, manifest.rowFiles) !== manifest.digest)
    faults.push(`${folder}: expected a manifest whose files have the digest of the folder, found a changed one`);
  return { name, manifest, faults };
}

async function known<Manifest>(
  names: InputNames,
  name: string,
  what: string,
  schema: typeof modelManifestSchema | typeof sourceManifestSchema,
): Promise<Manifest> {
  const manifest = await names.manifest<Manifest>(name, schema);
  if (manifest !== undefined) return manifest;
  const all = await names.all();
  const meant = suggest(name, all);
  const there = all.length === 0 ? 'there is none yet' : `there are: ${all.join(', ')}`;
  throw new BadInput(
    `expected the name of a ${what} of this store, got "${name}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}; ${there}`,
  );
}
