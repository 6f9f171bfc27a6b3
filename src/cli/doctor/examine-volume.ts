import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../experiment/message-of.ts';
import type { Finding } from './examinations.ts';

const FIX =
  'the store needs a volume with POSIX names and locks: a local disk, NFS 4, CephFS, Lustre; not an object store behind FUSE';

/** Whether the file system of a store can what its files rely on, by trying it in a folder that is removed again. */
export async function examineVolume(store: string): Promise<Finding> {
  const folder = join(store, `.doctor-${randomBytes(4).toString('hex')}`);
  const cannot: string[] = [];
  const tries = { link: tryLink, rename: tryRename, fsync: trySync, locks: tryLocks };
  try {
    await mkdir(folder);
    for (const [what, attempt] of Object.entries(tries)) {
      await attempt(folder).catch((error: unknown) => cannot.push(`${what}: ${messageOf(error)}`));
    }
  } catch (error) {
    return {
      what: 'files',
      level: 'bad',
      found: `cannot be written: ${messageOf(error)}`,
      fix: `chown it, or mount it writable: ${store}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (cannot.length === 0) return { what: 'files', level: 'good', found: 'link, rename, fsync and locks work' };
  return { what: 'files', level: 'bad', found: cannot.join('; '), fix: FIX };
}

/** The first of two links wins: what publishes every file that must be one. */
async function tryLink(folder: string): Promise<void> {
  const [first, second, name] = ['first', 'second', 'published'].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  await Promise.all([writeFile(first, '1'), writeFile(second, '2')]);
  await link(first, name);
  const again = await link(second, name).then(
    () => 'it succeeded',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  if (again !== 'EEXIST') throw new Error(`expected a second link to a name to end with EEXIST, got ${again}`);
  const { nlink } = await stat(name);
  if (nlink !== 2) throw new Error(`expected a linked file to count 2 links, got ${nlink}`);
}

/** A folder comes whole under its name, as checkpoints do. */
async function tryRename(folder: string): Promise<void> {
  await mkdir(join(folder, 'temporary'));
  await writeFile(join(folder, 'temporary', 'file'), 'whole');
  await rename(join(folder, 'temporary'), join(folder, 'folder'));
  await stat(join(folder, 'folder', 'file'));
}

async function trySync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Two who want the same lock: the second is told so. */
async function tryLocks(folder: string): Promise<void> {
  const file = join(folder, 'locks.sqlite');
  const first = new DatabaseSync(file);
  const second = new DatabaseSync(file);
  try {
    first.exec('CREATE TABLE t (x); BEGIN IMMEDIATE');
    let refused = false;
    try {
      second.exec('BEGIN IMMEDIATE');
    } catch {
      refused = true;
    }
    if (!refused) throw new Error('expected a second lock of a file to be refused, both were given');
  } finally {
    first.close();
    second.close();
  }
}
