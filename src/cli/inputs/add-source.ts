import { sourcesFolder } from '../../artifacts/input-catalog-of-store.ts';
import { addInputFolder } from '../../artifacts/input-folder.ts';
import { InputNames, NameTaken } from '../../artifacts/input-names.ts';
import { Store } from '../../artifacts/store.ts';
import { readTextSource } from '../../data/texts/text-source.ts';
import type { SourceKind } from '../../experiment/input-catalog.ts';
import { type SourceManifest, sourceDigest } from '../../experiment/input-manifests.ts';
import { BadInput } from '../exit-codes.ts';
import { EMBEDDED } from '../session.ts';

export interface AddSourceRequest {
  readonly kind: SourceKind;
  readonly path: string;
  readonly name: string;
  readonly link: boolean;
  readonly replace: boolean;
  /** What the manifest names as its source, when `path` is only where it lies for the moment. */
  readonly source?: string;
}

export interface AddedSource {
  readonly manifest: SourceManifest;
  readonly added: boolean;
  readonly notes: readonly string[];
}

/** Brings a data source into the store under a name, after every row of it was read once. All or nothing. */
export async function addSource(store: string, request: AddSourceRequest): Promise<AddedSource> {
  const { kind, path, name, link, replace } = request;
  const source = await readTextSource(kind, path);
  const parent = sourcesFolder((await Store.create(store, EMBEDDED)).path);
  const { manifest, added } = await addInputFolder<SourceManifest>({
    parent,
    files: source.files,
    link,
    manifestOf: (files) => ({
      format: 'lethe-data-source/1',
      digest: sourceDigest(kind, files, source.rowFiles),
      kind,
      name,
      source: request.source ?? path,
      ...(source.licence !== undefined && { licence: source.licence }),
      rows: source.rows,
      examples: source.examples,
      rowFiles: source.rowFiles,
      files,
    }),
  });
  try {
    await new InputNames(parent).give(name, manifest.digest, replace);
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    throw new BadInput(
      `${error.message}, and what was added is ${manifest.digest.slice(0, 12)}. Choose another with --name NAME, or give it this one with --replace`,
    );
  }
  return { manifest, added, notes: source.notes };
}
