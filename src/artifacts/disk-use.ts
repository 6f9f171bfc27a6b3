import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, garbageOf, type Removable, remove } from './retention.ts';
import type { Store } from './store.ts';
import { plannedKeys } from './stored-sweeps.ts';

export interface DiskUse {
  readonly folders: readonly { readonly folder: string; readonly bytes: number }[];
  readonly freeBytes: number;
}

export interface Garbage {
  readonly found: readonly Removable[];
  readonly bytes: number;
  /** Freed; 0 when it was only looked for. */
  readonly freed: number;
}

const FOLDERS = ['stages', 'data', 'data-sources', 'models', 'sweeps', 'embedded'];

/** What the store's folders take, every file looked at, and what is free beside them. */
export async function diskUse(store: Store): Promise<DiskUse> {
  const [folders, freeBytes] = await Promise.all([
    Promise.all(FOLDERS.map(async (folder) => ({ folder, bytes: await bytesOf(join(store.path, folder)) }))),
    freeBytesAt(store.path),
  ]);
  return { folders, freeBytes };
}

/** Of the file system that holds a folder. */
export async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Finds, and unless `dryRun` removes, what no plan of the store needs. */
export async function collectGarbage(store: Store, dryRun: boolean): Promise<Garbage> {
  const found = await garbageOf(store, await plannedKeys(store));
  const bytes = found.reduce((sum, each) => sum + each.bytes, 0);
  return { found, bytes, freed: dryRun ? 0 : await remove(found) };
}
