import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SourceManifest, sourceManifestSchema } from '../../experiment/input-manifests.ts';
import type { TextRecipe } from '../../experiment/text-recipe.ts';
import type { RowFiles } from './example-pools.ts';
import { BadSource } from './read-rows.ts';

/** The files of all sources that a recipe names, checked against their sums. Throws `BadSource`. */
export async function readTextSources(
  sourcesFolder: string,
  recipe: TextRecipe,
): Promise<Readonly<Record<string, RowFiles>>> {
  const read = Object.entries(recipe.sources).map(
    async ([kind, digest]) => [kind, await readSource(sourcesFolder, kind, digest)] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

async function readSource(sourcesFolder: string, kind: string, digest: string): Promise<RowFiles> {
  const folder = join(sourcesFolder, digest);
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new BadSource(
        `expected the data source ${digest.slice(0, 12)} (${kind}) in ${sourcesFolder}, found none; add it: lethe data add ${kind} PATH`,
      );
    throw error;
  });
  const parsed = sourceManifestSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new BadSource(`expected a manifest of a data source in ${folder}, got another file`);
  const manifest = JSON.parse(text) as SourceManifest;
  return Promise.all(
    manifest.rowFiles.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found !== manifest.files[name]?.sha256)
        throw new BadSource(
          `expected ${join(folder, name)} as it was added, found other bytes; see: lethe data check ${manifest.name}`,
        );
      return { name, content: bytes.toString('utf8') };
    }),
  );
}
