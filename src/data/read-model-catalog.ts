import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseModel } from '../experiment/parse-model.ts';
import type { ModelCatalog } from '../experiment/sweep-draft.ts';
import { formatProblems } from '../experiment/yaml-source.ts';

/** Thrown when a model file cannot be used. The message holds every problem with its line. */
export class ModelCatalogError extends Error {
  override readonly name = 'ModelCatalogError';
}

/** The models of a folder such as configs/models: each `<name>.yaml` holds the model of that name. */
export async function readModelCatalog(folder: string): Promise<ModelCatalog> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const models = await Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      const parsed = parseModel(await readFile(path, 'utf8'), { path });
      if (!parsed.ok) throw new ModelCatalogError(formatProblems(parsed.problems));
      if (`${parsed.name}.yaml` !== file)
        throw new ModelCatalogError(`${path}: name: expected the file's own name, got "${parsed.name}"`);
      return [parsed.name, parsed.spec] as const;
    }),
  );
  return Object.fromEntries(models);
}
