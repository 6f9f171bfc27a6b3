import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256OfFile } from '../../artifacts/writer-folder.ts';
import { readTextSource } from '../../data/texts/text-source.ts';
import type { SourceKind } from '../../experiment/input-catalog.ts';
import {
  type FilesByName,
  type ModelManifest,
  modelDigest,
  type SourceManifest,
  sourceDigest,
} from '../../experiment/input-manifests.ts';
import type { RemoteWay } from '../access/remote-access.ts';
import type { StoreAccess } from '../access/store-access.ts';
import { BadInput } from '../exit-codes.ts';
import { type AddedModel, isFetched, withModelSource } from '../inputs/add-model.ts';
import type { AddedSource } from '../inputs/add-source.ts';
import { type SendProgress, type SentFile, sendIntake } from './send-intake.ts';

export interface RemoteStore {
  readonly access: StoreAccess;
  readonly way: RemoteWay;
}

/** Brings a model into a store in a cluster: what lies here is sent; a package or an address is fetched by the Job itself. What is there already is not sent. */
export async function addModelRemotely(
  { access, way }: RemoteStore,
  asked: { readonly what: string; readonly name?: string; readonly replace: boolean },
  progress: SendProgress,
): Promise<AddedModel> {
  const { what, replace } = asked;
  const common = { format: 'lethe-intake/1', kind: 'model', replace, source: what } as const;
  if (isFetched(what)) {
    const request = { ...common, name: asked.name ?? 'fetched', named: asked.name !== undefined, files: {} };
    return (await sendIntake(way, request, [], progress)) as AddedModel;
  }
  return withModelSource({ what, say: progress.say }, async (source, licence) => {
    const name = asked.name ?? source.name;
    const { sent, files } = await sumsOf(
      source.files.filter((file) => 'path' in file),
      progress,
    );
    const digest = modelDigest(files);
    const standing = (await access.inputs()).models.find((model) => model.name === name);
    // Derived files are made there; what decides the digest is all here.
    if (standing?.manifest.digest === digest)
      return { name, manifest: standing.manifest, added: false, notes: source.notes };
    const request = { ...common, name, named: true, files, ...(licence !== undefined && { licence }) };
    const done = (await sendIntake(way, request, sent, progress)) as AddedModel;
    requireDigest(digest, done.manifest);
    return done;
  });
}

export async function addSourceRemotely(
  { access, way }: RemoteStore,
  asked: { readonly kind: SourceKind; readonly path: string; readonly name: string; readonly replace: boolean },
  progress: SendProgress,
): Promise<AddedSource> {
  const { kind, path, name, replace } = asked;
  const source = await readTextSource(kind, path);
  const { sent, files } = await sumsOf(source.files, progress);
  const digest = sourceDigest(kind, files, source.rowFiles);
  const standing = (await access.inputs()).sources.find((each) => each.name === name);
  if (standing?.manifest.digest === digest) return { manifest: standing.manifest, added: false, notes: source.notes };
  const single = (await stat(path)).isFile() ? { single: basename(path) } : {};
  const request = {
    ...({ format: 'lethe-intake/1', kind: 'source', sourceKind: kind } as const),
    ...{ name, replace, source: path, files, ...single },
  };
  const done = await sendIntake(way, request, sent, progress);
  requireDigest(digest, done.manifest);
  return { ...done, manifest: done.manifest as SourceManifest };
}

async function sumsOf(
  paths: readonly { readonly name: string; readonly path: string }[],
  progress: SendProgress,
): Promise<{ readonly sent: readonly SentFile[]; readonly files: FilesByName }> {
  const sent: SentFile[] = [];
  const files: Record<string, FilesByName[string]> = {};
  for (const { name, path } of paths) {
    const { sha256, bytes } = await sha256OfFile(path);
    files[name] = { sha256, bytes };
    sent.push({ name, path, bytes });
    progress.bytes('reading', sent.length, paths.length);
  }
  return { sent, files };
}

function requireDigest(digest: string, manifest: ModelManifest | SourceManifest): void {
  if (manifest.digest === digest) return;
  throw new BadInput(
    `expected the store to hold ${digest.slice(0, 12)} now, it says ${manifest.digest.slice(0, 12)}: its worker is another release, "lethe model check" there reads every byte`,
  );
}
