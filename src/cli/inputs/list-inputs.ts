import { modelsFolder, sourcesFolder } from '../../artifacts/input-catalog-of-store.ts';
import { InputNames, type NamedManifest } from '../../artifacts/input-names.ts';
import {
  type ModelManifest,
  modelManifestSchema,
  type SourceManifest,
  sourceManifestSchema,
} from '../../experiment/input-manifests.ts';

export function listModels(store: string): Promise<NamedManifest<ModelManifest>[]> {
  return new InputNames(modelsFolder(store)).manifests(modelManifestSchema);
}

export function listSources(store: string): Promise<NamedManifest<SourceManifest>[]> {
  return new InputNames(sourcesFolder(store)).manifests(sourceManifestSchema);
}
