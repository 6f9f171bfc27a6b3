import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, rmSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFacts, FilesByName } from '../experiment/input-manifests.ts';
import { hasCode, syncFolder } from './publish.ts';
import { namesIn, readText } from './small-files.ts';

/** A file that is to lie in a folder: one that exists, or a text. */
export type InputFile =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly text: string };

export interface InputFolderRequest<Manifest extends { readonly digest: string }> {
  /** `models` or `data-sources` of a store. */
  readonly parent: string;
  readonly files: readonly InputFile[];
  /** Share the file's blocks with the original instead of copying: for originals that nobody changes. */
  readonly link: boolean;
  /** What the folder's manifest says of the files that were copied; `digest` names the folder. */
  readonly manifestOf: (files: FilesByName) => Manifest;
  readonly onBytes?: (done: number, total: number) => void;
}

export interface AddedFolder<Manifest> {
  readonly folder: string;
  /** Of what was brought; what stood there before may have files beside those that decide its digest. */
  readonly manifest: Manifest;
  /** False: a whole folder of that digest was there already and stands. */
  readonly added: boolean;
}

/**
 * Copies files into `<parent>/<digest>/` with a manifest beside them. Sums are taken of the copies, so what the manifest says is what lies there.
 * The folder appears whole or not at all: temporary folder → fsync → rename. What an interrupted call left is removed by the next.
 */
export async function addInputFolder<Manifest extends { readonly digest: string }>(
  request: InputFolderRequest<Manifest>,
): Promise<AddedFolder<Manifest>> {
  const { parent } = request;
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const temporary = join(parent, `.adding-${process.pid}-${randomBytes(4).toString('hex')}`);
  const cleanUp = () => {
    rmSync(temporary, { recursive: true, force: true });
    process.exit(130);
  };
  for (const signal of SIGNALS) process.once(signal, cleanUp);
  try {
    await mkdir(temporary);
    const files = await bringFiles(temporary, request);
    const manifest = request.manifestOf(files);
    await writeFile(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
    await syncFolder(temporary);
    const folder = join(parent, manifest.digest);
    const added = await take(temporary, folder);
    await syncFolder(parent);
    return { folder, manifest, added };
  } finally {
    for (const signal of SIGNALS) process.off(signal, cleanUp);
    await rm(temporary, { recursive: true, force: true });
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

async function bringFiles(
  temporary: string,
  { files, link: share, onBytes }: Pick<InputFolderRequest<never>, 'files' | 'link' | 'onBytes'>,
): Promise<FilesByName> {
  const sizes = await Promise.all(files.map((file) => ('path' in file ? stat(file.path) : undefined)));
  const total = sizes.reduce((sum, size) => sum + (size?.size ?? 0), 0);
  let done = 0;
  const facts: Record<string, FileFacts> = {};
  for (const file of files) {
    const to = join(temporary, file.name);
    if ('text' in file) await writeFile(to, file.text);
    else if (!share || !(await linked(file.path, to))) await copyFile(file.path, to, constants.COPYFILE_FICLONE);
    facts[file.name] = await factsOf(to, (bytes) => {
      done += 'path' in file ? bytes : 0;
      onBytes?.(done, total);
    });
    await syncFile(to);
  }
  return facts;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    // Another file system, or one without hard links.
    if (hasCode(error, 'EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK')) return false;
    throw error;
  }
}

/** Sum and size of a file, read once. */
async function factsOf(path: string, onBytes?: (bytes: number) => void): Promise<FileFacts> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes?.(chunk.length);
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** False: a folder of that digest was there first and stands. One that is damaged is replaced: adding again is how it is mended. */
async function take(temporary: string, folder: string): Promise<boolean> {
  try {
    await rename(temporary, folder);
    return true;
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  if (await isWhole(folder)) return false;
  const damaged = `${temporary}-damaged`;
  await rename(folder, damaged);
  await rename(temporary, folder);
  await rm(damaged, { recursive: true, force: true });
  return true;
}

async function isWhole(folder: string): Promise<boolean> {
  const text = await readText(join(folder, 'manifest.json'));
  if (text === undefined) return false;
  try {
    const { files } = JSON.parse(text) as { readonly files: FilesByName };
    return (await faultsOfFolder(folder, files)).length === 0;
  } catch {
    return false;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await namesIn(parent)) {
    const pid = /^\.adding-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** What is wrong with a folder against its manifest: one sentence each, none when all is well. */
export async function faultsOfFolder(folder: string, files: FilesByName): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, expected] of Object.entries(files)) {
    const found = await factsOf(join(folder, name)).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (found === undefined)
      faults.push(`${join(folder, name)}: expected a file of ${expected.bytes} bytes, found none`);
    else if (found.sha256 !== expected.sha256)
      faults.push(
        `${join(folder, name)}: expected sha256 ${expected.sha256.slice(0, 12)}… (${expected.bytes} bytes), found ${found.sha256.slice(0, 12)}… (${found.bytes} bytes)`,
      );
  }
  const strangers = (await readdir(folder)).filter((name) => name !== 'manifest.json' && !Object.hasOwn(files, name));
  if (strangers.length > 0)
    faults.push(`${folder}: expected the files of its manifest alone, found also ${strangers.sort().join(', ')}`);
  return faults;
}
