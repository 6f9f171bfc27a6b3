import { garbageOf, type Removable, remove } from '../../artifacts/retention.ts';
import { Store } from '../../artifacts/store.ts';
import { plannedKeys } from '../../artifacts/stored-sweeps.ts';

export interface CollectedGarbage {
  readonly found: readonly Removable[];
  readonly bytes: number;
  readonly freed: number;
}

export default async function ({
  storePath,
  dryRun,
}: {
  readonly storePath: string;
  readonly dryRun: boolean;
}): Promise<CollectedGarbage> {
  const store = await Store.open(storePath);
  const found = await garbageOf(store, await plannedKeys(store));
  const bytes = found.reduce((sum, each) => sum + each.bytes, 0);
  return { found, bytes, freed: dryRun ? 0 : await remove(found) };
}
