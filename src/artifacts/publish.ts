import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Published {
  /** False: somebody else's content was there first and stands. */
  readonly won: boolean;
  /** The content that stands, ours or theirs. */
  readonly content: string;
}

/**
 * Makes `path` exist with `content`, whole or not at all, at most once: temporary name → fsync → link(2) → fsync of the folder. The first wins, the
 * others take what stands. Unlike rename(2), link(2) never replaces, on a local disk as on NFS. Folders are made as needed.
 */
export async function publish(path: string, content: string | Uint8Array): Promise<Published> {
  const folder = dirname(path);
  const temporary = join(folder, `.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  await writeDurably(temporary, content);
  try {
    await link(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return { won: false, content: await readFile(path, 'utf8') };
  } finally {
    await unlink(temporary);
  }
  await syncFolder(folder);
  return { won: true, content: typeof content === 'string' ? content : Buffer.from(content).toString('utf8') };
}

/** Fsyncs a folder, so that the names in it survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await openMakingFolders(path);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openMakingFolders(path: string) {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await mkdir(dirname(path), { recursive: true });
    return await open(path, 'wx');
  }
}
