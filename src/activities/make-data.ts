import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../artifacts/store.ts';
import type { DataReference } from '../experiment/stage-spec.ts';
import { runInThread } from './thread/run-in-thread.ts';

/** Folders that this worker has made or checked: once is enough, many stages name the same data. */
const checked = new Map<string, Promise<void>>();

/**
 * Makes `data/<digest>/` when it is not there, in a thread, because a large dataset takes seconds. A folder that was removed since is made again. Throws
 * DatasetError when trying again does not help.
 */
export async function makeData(store: Store, reference: DataReference): Promise<void> {
  const folder = store.dataPath(reference.digest);
  const known = checked.get(folder);
  if (known !== undefined) {
    await known;
    if (await isThere(folder)) return;
    // Whoever of several askers sees it first makes it.
    if (checked.get(folder) === known) checked.delete(folder);
    return makeData(store, reference);
  }
  const input = { dataFolder: join(store.path, 'data'), reference };
  const made = runInThread<void>(new URL('./thread/make-data-thread.ts', import.meta.url), input);
  checked.set(folder, made);
  made.catch(() => checked.delete(folder));
  return made;
}

async function isThere(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'manifest.json'));
    return true;
  } catch {
    return false;
  }
}
