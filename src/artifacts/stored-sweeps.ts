import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../experiment/plan.ts';
import type { Store } from './store.ts';
import { SweepFolder } from './sweep-folder.ts';

/** A plan that the store holds. */
export interface StoredSweep {
  /** `<name>~<plan12>` */
  readonly id: string;
  readonly folder: SweepFolder;
  readonly plan: Plan;
  readonly planHash: string;
  readonly frozenAt: Date;
}

/** All sweeps of the store by id with the time at which their plan was frozen, newest first. */
export async function listSweeps(store: Store): Promise<{ readonly id: string; readonly frozenAt: Date }[]> {
  const found = await Promise.all(
    (await store.sweepIds()).map(async (id) => {
      try {
        return { id, frozenAt: (await stat(join(store.sweepPath(id), 'plan.json'))).mtime };
      } catch {
        return undefined; // Being published, or swept away by hand.
      }
    }),
  );
  return found
    .filter((sweep) => sweep !== undefined)
    .sort((a, b) => b.frozenAt.getTime() - a.frozenAt.getTime() || (a.id < b.id ? -1 : 1));
}

export async function readSweep(store: Store, id: string): Promise<StoredSweep> {
  const folder = new SweepFolder(store, id);
  return { id, folder, ...(await folder.plan()) };
}

/** The sweep's name without its plan. */
export function nameOf(id: string): string {
  return id.slice(0, id.lastIndexOf('~'));
}

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
