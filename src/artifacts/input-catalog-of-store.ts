import { join } from 'node:path';
import type { InputCatalog } from '../experiment/input-catalog.ts';
import {
  type ModelManifest,
  modelManifestSchema,
  type SourceManifest,
  sourceManifestSchema,
} from '../experiment/input-manifests.ts';
import { InputNames, type NamedManifest } from './input-names.ts';

export function modelsFolder(store: string): string {
  return join(store, 'models');
}

export function sourcesFolder(store: string): string {
  return join(store, 'data-sources');
}

export type NamedModel = NamedManifest<ModelManifest>;
export type NamedSource = NamedManifest<SourceManifest>;

export function namedModels(store: string): Promise<NamedModel[]> {
  return new InputNames(modelsFolder(store)).manifests(modelManifestSchema);
}

export function namedSources(store: string): Promise<NamedSource[]> {
  return new InputNames(sourcesFolder(store)).manifests(sourceManifestSchema);
}

/** What a store has of models with weights and of data sources, by name. `store`: its folder, which need not exist yet. */
export async function inputCatalogOfStore(store: string): Promise<InputCatalog> {
  const [models, sources] = await Promise.all([namedModels(store), namedSources(store)]);
  return inputCatalog(models, sources);
}

/** What planning needs of them: digests and shapes. */
export function inputCatalog(models: readonly NamedModel[], sources: readonly NamedSource[]): InputCatalog {
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
