import { join } from 'node:path';
import type { InputCatalog } from '../experiment/input-catalog.ts';
import {
  type ModelManifest,
  modelManifestSchema,
  type SourceManifest,
  sourceManifestSchema,
} from '../experiment/input-manifests.ts';
import { InputNames } from './input-names.ts';

export function modelsFolder(store: string): string {
  return join(store, 'models');
}

export function sourcesFolder(store: string): string {
  return join(store, 'data-sources');
}

/** What a store has of models with weights and of data sources, by name. `store`: its folder, which need not exist yet. */
export async function inputCatalogOfStore(store: string): Promise<InputCatalog> {
  const [models, sources] = await Promise.all([
    new InputNames(modelsFolder(store)).manifests<ModelManifest>(modelManifestSchema),
    new InputNames(sourcesFolder(store)).manifests<SourceManifest>(sourceManifestSchema),
  ]);
  return {
    weights: Object.fromEntries(
      models.map(({ name, manifest: { digest, spec, tokenizer } }) => [
        name,
        { digest, spec, ...(tokenizer && { tokenizer: tokenizer.digest }) },
      ]),
    ),
    sources: Object.fromEntries(
      sources.map(({ name, manifest: { digest, kind, examples } }) => [name, { digest, kind, examples }]),
    ),
  };
}
