import { join } from 'node:path';
import { foldersIn, namesIn, statOf } from '../artifacts/small-files.ts';
import type { Store } from '../artifacts/store.ts';
import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { TarEntry } from './tar/pack-tar.ts';

/** More than any of these files has: one that is larger is damaged, or grew behind our back. A plan names every stage. */
const MOST_SMALL = 16 * 2 ** 20;
const MOST_PLAN = 512 * 2 ** 20;
/** Ends of files that grow with the job: its log, and where it is. */
const LOG_END = 256 * 1024;
const PROGRESS_END = 16 * 1024;
/** What a report may have: pages, pictures, estimates as JSON and CSV. */
const REPORT = /^[A-Za-z0-9][A-Za-z0-9._-]*\.(html|json|csv|md|svg|txt)$/;

/**
 * What may be seen of a store from outside, as files with their names in it: orders, evidence, results, the ends of logs, reports. Never weights, tokens,
 * scores or the text of an example: those lists name what is given, and nothing else is.
 */

/** Plan, file as it was given, how it is carried out. */
export async function* planFiles(store: Store, id: string): AsyncGenerator<TarEntry> {
  for (const name of ['plan.json', 'sweep.yaml', 'execution.json']) yield* whole(store, 'sweeps', id, name);
}

export async function* reportFiles(store: Store, id: string): AsyncGenerator<TarEntry> {
  for (const name of (await namesIn(join(store.sweepPath(id), 'report'))).sort())
    if (REPORT.test(name)) yield* whole(store, 'sweeps', id, 'report', name);
  yield* whole(store, 'sweeps', id, 'verdicts', 'newest.json');
}

/** What is asked of every stage that is done: its result, and how long it took. */
export async function* resultFiles(store: Store, keys: Iterable<string>): AsyncGenerator<TarEntry> {
  for (const key of keys) {
    const result = await store.stage(key).result();
    if (result === undefined) continue;
    const attempt = ['stages', key, 'attempts', String(result.attempt)];
    yield* whole(store, ...attempt, 'launched.json');
    for (const name of ['from.json', 'outcome.json']) yield* whole(store, ...attempt, result.writer, name);
    // Last: whoever finds it here has the others.
    yield* whole(store, 'stages', key, 'result.json');
  }
}

/** All that tells how a stage came to be where it is. */
export async function* stageFiles(store: Store, key: string): AsyncGenerator<TarEntry> {
  const stage = store.stage(key);
  yield* whole(store, 'stages', key, 'run.json');
  for (const name of await namesIn(join(stage.path, 'overrides')))
    if (/^\d+\.json$/.test(name)) yield* whole(store, 'stages', key, 'overrides', name);
  for (const number of await stage.attempts()) {
    const attempt = ['stages', key, 'attempts', String(number)];
    for (const name of ['job.json', 'launched.json', 'stop.json', 'evidence.json'])
      yield* whole(store, ...attempt, name);
    yield* end(LOG_END, store, ...attempt, 'log.txt');
    for (const writer of await foldersIn(join(store.path, ...attempt))) {
      if (!/^[A-Za-z0-9-]+$/.test(writer)) continue;
      for (const name of ['from.json', 'outcome.json']) yield* whole(store, ...attempt, writer, name);
      yield* end(PROGRESS_END, store, ...attempt, writer, 'progress.jsonl');
    }
  }
  yield* whole(store, 'stages', key, 'result.json');
}

/** Numbers of the stages of a sweep that have a result. */
export async function doneStages(store: Store, { plan }: StoredSweep): Promise<number[]> {
  const found = await Promise.all(
    plan.stages.map(async ({ number, key }) =>
      (await statOf(join(store.stagesPath, key, 'result.json'))) === undefined ? [] : [number],
    ),
  );
  return found.flat();
}

/** Keys of all stages of the store that have a result. */
export async function doneKeys(store: Store): Promise<string[]> {
  const found = await Promise.all(
    (await store.stageKeys()).map(async (key) =>
      (await statOf(join(store.stagesPath, key, 'result.json'))) === undefined ? [] : [key],
    ),
  );
  return found.flat();
}

export async function hasReport(store: Store, id: string): Promise<boolean> {
  return (await statOf(join(store.sweepPath(id), 'report', 'index.html'))) !== undefined;
}

async function* whole(store: Store, ...parts: readonly string[]): AsyncGenerator<TarEntry> {
  const path = join(store.path, ...parts);
  const about = await statOf(path);
  const most = parts.at(-1) === 'plan.json' ? MOST_PLAN : MOST_SMALL;
  if (about === undefined || about.size > most) return;
  yield { name: parts.join('/'), mtimeMs: about.mtimeMs, content: { path, bytes: about.size } };
}

async function* end(most: number, store: Store, ...parts: readonly string[]): AsyncGenerator<TarEntry> {
  const path = join(store.path, ...parts);
  const about = await statOf(path);
  if (about === undefined) return;
  const start = Math.max(0, about.size - most);
  yield { name: parts.join('/'), mtimeMs: about.mtimeMs, content: { path, bytes: about.size - start, start } };
}
