import type { Store } from '../artifacts/store.ts';
import { listSweeps, readSweep } from './sweeps.ts';

/**
 * Keys of all stages that a plan of the store names, open or not. A plan that cannot be read stops the caller: without it nobody can say what is garbage.
 */
export async function plannedKeys(store: Store): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const { id } of await listSweeps(store)) {
    const { plan } = await readSweep(store, id);
    for (const stage of plan.stages) keys.add(stage.key);
  }
  return keys;
}
