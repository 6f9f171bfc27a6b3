import { randomBytes } from 'node:crypto';
import { closeSync, fsync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from './has-code.ts';
import { isRemote } from './small-files.ts';

export { hasCode } from './has-code.ts';

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
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const linked = isRemote(path) ? linkThroughThread : linkAtOnce;
  const standing = await linked(temporary, path, bytes);
  if (standing !== undefined) return { won: false, content: standing };
  await syncFolder(folder);
  return { won: true, content: typeof content === 'string' ? content : Buffer.from(content).toString('utf8') };
}

/** Fsyncs a folder, so that the names in it survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (!isRemote(folder)) return syncAndClose(openSync(folder, 'r'));
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const sync = promisify(fsync);

/** Only the disk is waited for in a thread; all other calls of a local file system return at once. Gives the content that stood there before. */
async function linkAtOnce(temporary: string, path: string, bytes: Uint8Array): Promise<string | undefined> {
  const file = openMakingFolders(temporary);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
  } catch (error) {
    closeSync(file);
    unlinkSync(temporary);
    throw error;
  }
  await syncAndClose(file);
  try {
    linkSync(temporary, path);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return readFileSync(path, 'utf8');
  } finally {
    unlinkSync(temporary);
  }
}

async function linkThroughThread(temporary: string, path: string, bytes: Uint8Array): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true });
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, path);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return await readFile(path, 'utf8');
  } finally {
    await unlink(temporary);
  }
}

async function syncAndClose(file: number): Promise<void> {
  try {
    await sync(file);
  } finally {
    closeSync(file);
  }
}

function openMakingFolders(path: string): number {
  try {
    return openSync(path, 'wx');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'wx');
  }
}
