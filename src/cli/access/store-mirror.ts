import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { replaceFile } from '../../artifacts/replace-file.ts';
import { statOf } from '../../artifacts/small-files.ts';
import { Store, type TemporalAddress } from '../../artifacts/store.ts';
import type { StoredSweep } from '../../artifacts/stored-sweeps.ts';
import { unpackTar } from '../../http/tar/unpack-tar.ts';
import type { ForwardedHttp } from '../../jobs/kubernetes/forwarded-http.ts';
import { cacheFolder } from '../../temporal/temporal-cli.ts';

/** More than any plan, report or stage's evidence has. */
const MOST_BYTES = 2 ** 30;
const STAGES_AT_ONCE = 4;
/** Ranges of stage numbers that one request names: its line must stay short. */
const MOST_RANGES = 400;

/**
 * Copies of what a store in a cluster tells of itself, in a folder that is laid out like the store: whatever reads a store reads them. What is published once
 * never changes, so plans and results are fetched once; the rest is as new as the last fetch. Weights and scores are never here.
 */
export class StoreMirror {
  readonly path: string;
  readonly #http: ForwardedHttp;

  constructor(storeId: string, http: ForwardedHttp) {
    this.path = mirrorFolder(storeId);
    this.#http = http;
  }

  /** The copy as a store whose server is reached from here at `temporal`. */
  async open(storeId: string, temporal: TemporalAddress): Promise<Store> {
    const record = { format: 'lethe-store/1', id: storeId, temporal };
    await replaceFile(join(this.path, 'store.json'), `${JSON.stringify(record)}\n`);
    return Store.open(this.path);
  }

  /** Every plan that the store has; those that it has no more go here too. */
  async bringSweeps(store: Store): Promise<void> {
    const { sweeps } = await this.#http.json<{ sweeps: { readonly id: string; readonly frozenAt: string }[] }>(
      '/sweeps',
    );
    const known = new Set(await store.sweepIds());
    for (const id of known) {
      if (!sweeps.some((each) => each.id === id)) await rm(store.sweepPath(id), { recursive: true, force: true });
    }
    for (const { id, frozenAt } of sweeps) {
      if (known.has(id) && (await statOf(join(store.sweepPath(id), 'plan.json'))) !== undefined) continue;
      await this.#bring(`/sweeps/${id}/plan`);
      // An archive keeps whole seconds; which of two plans is newer may hang on less.
      const time = new Date(frozenAt);
      await utimes(join(store.sweepPath(id), 'plan.json'), time, time);
    }
  }

  async bringResults(store: Store, { id, plan }: StoredSweep): Promise<void> {
    const { done } = await this.#http.json<{ readonly done: readonly number[] }>(`/sweeps/${id}/done`);
    const there = new Set(done);
    const lacking: number[] = [];
    for (const { number, key } of plan.stages) {
      const copy = join(store.stagesPath, key, 'result.json');
      const here = (await statOf(copy)) !== undefined;
      if (here && !there.has(number)) await rm(copy, { force: true });
      if (!here && there.has(number)) lacking.push(number);
    }
    for (const ranges of inRanges(lacking)) await this.#bring(`/sweeps/${id}/results?of=${ranges}`);
  }

  async bringStages(keys: readonly string[]): Promise<void> {
    const next = [...new Set(keys)].values();
    const fetcher = async () => {
      for (const key of next) await this.#bring(`/stages/${key}`);
    };
    await Promise.all(Array.from({ length: STAGES_AT_ONCE }, fetcher));
  }

  async bringReport(sweepId: string): Promise<void> {
    await this.#bring(`/sweeps/${sweepId}/report`);
  }

  /** Each file appears whole or not at all: another command may be reading here. */
  async #bring(path: string): Promise<void> {
    for await (const { name, mtimeMs, content } of unpackTar(await this.#http.stream(path), MOST_BYTES)) {
      const to = join(this.path, name);
      await mkdir(dirname(to), { recursive: true });
      const temporary = `${to}.${process.pid}.part`;
      await pipeline(content, createWriteStream(temporary));
      await utimes(temporary, mtimeMs / 1000, mtimeMs / 1000);
      await rename(temporary, to);
    }
  }
}

export function mirrorFolder(storeId: string): string {
  return join(cacheFolder(), 'stores', storeId);
}

/** `0-5,9`, in pieces that fit into a request. */
export function inRanges(numbers: readonly number[]): string[] {
  const ranges: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    let to = at;
    while (numbers[to + 1] === numbers[to]! + 1) to += 1;
    ranges.push(to === at ? `${numbers[at]}` : `${numbers[at]}-${numbers[to]}`);
    at = to + 1;
  }
  const pieces: string[] = [];
  for (let at = 0; at < ranges.length; at += MOST_RANGES) pieces.push(ranges.slice(at, at + MOST_RANGES).join(','));
  return pieces;
}
