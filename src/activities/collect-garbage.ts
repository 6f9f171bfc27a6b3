import { relative } from 'node:path';
import type { Garbage } from '../artifacts/disk-use.ts';
import type { GarbageFound, GarbageRequest } from '../experiment/store-errands.ts';
import type { ActivityParts } from './activity-parts.ts';
import { runBeating } from './run-beating.ts';

/** Under the size from which the server warns. */
const SHOWN = 1000;

/** `lethe store gc` for a store that the asker cannot reach. In a thread: it reads checkpoints whole. */
export function makeCollectGarbage({ store }: Pick<ActivityParts, 'store'>) {
  return async function collectGarbage({ dryRun }: GarbageRequest): Promise<GarbageFound> {
    const module = new URL('./thread/collect-garbage-thread.ts', import.meta.url);
    const input = { storePath: store.path, dryRun };
    const { found, bytes, freed } = await runBeating<Garbage>(module, input, 'looking for garbage');
    const shown = found.slice(0, SHOWN).map((each) => ({ ...each, path: relative(store.path, each.path) }));
    return { found: shown, bytes, freed };
  };
}
