import { lstat, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { ADAPTER_FILES } from './export-model.ts';
import { anchorsOf, chainOf, ResultRefused } from './lineage.ts';
import { hasCode } from './publish.ts';
import type { StageFolder } from './stage-folder.ts';
import type { Store } from './store.ts';
import type { WriterFolder } from './writer-folder.ts';

/** A file or folder that nobody needs any more. */
export interface Removable {
  readonly path: string;
  readonly bytes: number;
  readonly why: string;
}

/**
 * What a stage keeps without need. With a result: everything of its checkpoints but the final weights, which children start from, and a last adapter. Without one: the
 * checkpoints of dead writers, but the newest whole one and those of anchors that its chain has not scored. While an attempt is under way nothing is
 * removable: its trainer may be reading any checkpoint.
 */
export async function removableOf(stage: StageFolder): Promise<Removable[]> {
  const { result, open } = await stage.history();
  const writers = await stage.writers();
  if (result !== undefined) {
    const kept = new Set(
      result.weights === undefined
        ? []
        : [
            result.weights.path,
            ...['manifest.json', ...ADAPTER_FILES].map((name) => beside(result.weights!.path, name)),
          ],
    );
    return removableFiles(
      stage,
      writers.filter(({ attempt }) => attempt.number !== open?.number),
      kept,
      'the stage is done',
    );
  }
  if (open !== undefined) return [];
  const kept = await checkpointsToGoOnFrom(stage, writers);
  if (kept.size === 0) return [];
  return removableFolders(writers, kept);
}

/** Removes what was found, each name at once, so that no reader sees half of it; what is gone already is no error. Returns the bytes freed. */
export async function remove(removable: readonly Removable[]): Promise<number> {
  let freed = 0;
  for (const { path, bytes } of removable) if (await removeWhole(path)) freed += bytes;
  return freed;
}

async function removeWhole(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isDirectory()) {
      await unlink(path);
      return true;
    }
    const aside = join(dirname(path), `.removed-${basename(path)}-${process.pid}`);
    await rename(path, aside);
    await rm(aside, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Garbage of the whole store: `removableOf` of every stage, and whole stages that no plan names. `named` holds the keys of all plans that the caller
 * knows; a stage with an attempt under way is left alone.
 */
export async function garbageOf(store: Store, named: ReadonlySet<string>): Promise<Removable[]> {
  const garbage: Removable[] = [];
  for (const key of await store.stageKeys()) {
    const stage = store.stage(key);
    if (named.has(key) || (await stage.history()).open !== undefined) garbage.push(...(await removableOf(stage)));
    else garbage.push({ path: stage.path, bytes: await bytesOf(stage.path), why: 'no plan names this stage' });
  }
  return garbage;
}

/** Bytes of all files under `path`. */
export async function bytesOf(path: string): Promise<number> {
  let bytes = 0;
  try {
    for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  return bytes;
}

/** Paths of checkpoint folders that a successor needs; empty when there is none to go on from, and then nothing is known to be superfluous. */
async function checkpointsToGoOnFrom(stage: StageFolder, writers: readonly WriterFolder[]): Promise<Set<string>> {
  const found = await newestWhole(writers);
  if (found === undefined) return new Set();
  const kept = new Set([found.writer.checkpointPath(found.step)]);
  const missing = new Set(anchorsOf(await stage.spec(), found.step));
  try {
    for (const { writer, until } of await chainOf(found.writer)) {
      for (const step of await writer.scoredSteps()) if (step <= until) missing.delete(step);
    }
  } catch (error) {
    // A broken chain has scored nothing that counts.
    if (!(error instanceof ResultRefused)) throw error;
  }
  for (const writer of writers) for (const step of missing) kept.add(writer.checkpointPath(step));
  return kept;
}

async function newestWhole(
  writers: readonly WriterFolder[],
): Promise<{ writer: WriterFolder; step: number } | undefined> {
  const all = await Promise.all(
    writers.map(async (writer) => (await writer.checkpointSteps()).map((step) => ({ writer, step }))),
  );
  for (const candidate of all.flat().sort((a, b) => b.step - a.step)) {
    if ((await candidate.writer.checkpoint(candidate.step, 'digests')) !== undefined) return candidate;
  }
  return undefined;
}

async function removableFolders(writers: readonly WriterFolder[], kept: ReadonlySet<string>): Promise<Removable[]> {
  const removable: Removable[] = [];
  for (const writer of writers) {
    for (const step of await writer.checkpointSteps()) {
      const path = writer.checkpointPath(step);
      if (!kept.has(path))
        removable.push({ path, bytes: await bytesOf(path), why: 'a newer checkpoint of the lineage is whole' });
    }
  }
  return removable;
}

async function removableFiles(
  stage: StageFolder,
  writers: readonly WriterFolder[],
  kept: ReadonlySet<string>,
  why: string,
): Promise<Removable[]> {
  const removable: Removable[] = [];
  for (const writer of writers) {
    for (const step of await writer.checkpointSteps()) {
      const folder = writer.checkpointPath(step);
      const names = (await readdir(folder)).map((name) => join(folder, name));
      const superfluous = names.filter((path) => !kept.has(relative(stage.path, path)));
      if (superfluous.length === names.length) removable.push({ path: folder, bytes: await bytesOf(folder), why });
      else for (const path of superfluous) removable.push({ path, bytes: (await stat(path)).size, why });
    }
  }
  return removable;
}

function beside(weights: string, name: string): string {
  return weights.replace(/[^/]+$/, name);
}
