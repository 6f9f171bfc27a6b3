import type { z } from 'zod';
import { modelsFolder, sourcesFolder } from '../../artifacts/input-catalog-of-store.ts';
import { InputNames } from '../../artifacts/input-names.ts';
import {
  type ModelManifest,
  modelManifestSchema,
  type SourceManifest,
  sourceManifestSchema,
} from '../../experiment/input-manifests.ts';

export interface Named<Manifest> {
  readonly name: string;
  readonly manifest: Manifest;
}

export function listModels(store: string): Promise<Named<ModelManifest>[]> {
  return listOf(modelsFolder(store), modelManifestSchema);
}

export function listSources(store: string): Promise<Named<SourceManifest>[]> {
  return listOf(sourcesFolder(store), sourceManifestSchema);
}

async function listOf<Manifest>(parent: string, schema: z.ZodType): Promise<Named<Manifest>[]> {
  const names = new InputNames(parent);
  const found: Named<Manifest>[] = [];
  for (const name of await names.all()) {
    const manifest = await names.manifest<Manifest>(name, schema);
    if (manifest !== undefined) found.push({ name, manifest });
  }
  return found;
}
