import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { hasCode } from './has-code.ts';

/**
 * Reading many small files. On a local disk each is read at once: 7 µs of CPU, where the way through a thread costs 106 µs. On a network volume a read is a
 * round trip that must not stand in the way of a heartbeat, so there it goes through a thread.
 */

/** The content of a text file; undefined when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  return unlessMissing(() => (isRemote(path) ? readFile(path, 'utf8') : readFileSync(path, 'utf8')));
}

/** Names in a folder; none when there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await unlessMissing(() => (isRemote(folder) ? readdir(folder) : readdirSync(folder)))) ?? [];
}

/** Names of the folders in a folder. */
export async function foldersIn(folder: string): Promise<string[]> {
  const typed = { withFileTypes: true } as const;
  const entries = await unlessMissing(() => (isRemote(folder) ? readdir(folder, typed) : readdirSync(folder, typed)));
  return (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Size and time of a file; undefined when there is none. */
export async function statOf(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
  return unlessMissing(() => (isRemote(path) ? stat(path) : statSync(path)));
}

/** The end of a text file, at most `bytes` of it, from the first whole line on; undefined when there is no such file. */
export async function tailOf(path: string, bytes: number): Promise<string | undefined> {
  return unlessMissing(() => (isRemote(path) ? tailThroughThread(path, bytes) : tailAtOnce(path, bytes)));
}

/** True for a path on a network volume: one that was mounted when this process first asked, or one below a folder of `LETHE_NETWORK_FOLDERS` (with colons between). */
export function isRemote(path: string): boolean {
  remoteFolders ??= [
    ...parseRemoteMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
    ...(process.env.LETHE_NETWORK_FOLDERS ?? '')
      .split(':')
      .filter((folder) => folder !== '')
      .map(withSlash),
  ];
  return remoteFolders.some((folder) => path.startsWith(folder));
}

let remoteFolders: readonly string[] | undefined;

const REMOTE = /^(nfs|cifs|smb|9p|ceph|gluster|lustre|beegfs|gpfs|afs|fuse|virtiofs)/;

/** Mount points, with a slash at the end, of the network file systems in /proc/self/mountinfo. */
export function parseRemoteMounts(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4];
    if (point === undefined || !REMOTE.test(after)) return [];
    // Blanks and the like are written as octal numbers.
    const plain = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return withSlash(plain);
  });
}

function withSlash(folder: string): string {
  return folder.endsWith('/') ? folder : `${folder}/`;
}

async function unlessMissing<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function tailAtOnce(path: string, bytes: number): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, bytes));
    return wholeLines(buffer, readSync(file, buffer, 0, buffer.length, size - buffer.length), size);
  } finally {
    closeSync(file);
  }
}

async function tailThroughThread(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
    return wholeLines(buffer, bytesRead, size);
  } finally {
    await file.close();
  }
}

function wholeLines(buffer: Buffer, bytesRead: number, size: number): string {
  const text = buffer.subarray(0, bytesRead).toString('utf8');
  return size === buffer.length ? text : text.slice(text.indexOf('\n') + 1);
}
