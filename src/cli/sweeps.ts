import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../artifacts/store.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import type { Plan } from '../experiment/plan.ts';
import { suggest } from '../experiment/suggest.ts';
import { BadInput } from './exit-codes.ts';

/** A plan that the store holds. */
export interface StoredSweep {
  /** `<name>~<plan12>` */
  readonly id: string;
  readonly folder: SweepFolder;
  readonly plan: Plan;
  readonly planHash: string;
  readonly frozenAt: Date;
}

/** All sweeps of the store by id with the time at which their plan was frozen, newest first. */
export async function listSweeps(store: Store): Promise<{ readonly id: string; readonly frozenAt: Date }[]> {
  const found = await Promise.all(
    (await store.sweepIds()).map(async (id) => {
      try {
        return { id, frozenAt: (await stat(join(store.sweepPath(id), 'plan.json'))).mtime };
      } catch {
        return undefined; // Being published, or swept away by hand.
      }
    }),
  );
  return found
    .filter((sweep) => sweep !== undefined)
    .sort((a, b) => b.frozenAt.getTime() - a.frozenAt.getTime() || (a.id < b.id ? -1 : 1));
}

/** `NAME` is the newest plan of that name, `NAME~<plan12>` (or a prefix of the twelve digits) exactly one, nothing the newest of all. */
export async function findSweep(store: Store, name: string | undefined): Promise<StoredSweep> {
  const sweeps = await listSweeps(store);
  const wanted = name?.toLowerCase();
  const found = sweeps.find(
    ({ id }) => wanted === undefined || nameOf(id) === wanted || (wanted.includes('~') && id.startsWith(wanted)),
  );
  if (found !== undefined) return readSweep(store, found.id);
  const names = [...new Set(sweeps.map(({ id }) => nameOf(id)))];
  if (names.length === 0)
    throw new BadInput(`the store ${store.path} holds no sweep yet. "lethe run SWEEP.yaml" makes one.`);
  const near = suggest(wanted ?? '', names);
  throw new BadInput(
    `expected the name of a sweep in ${store.path}, got "${name}"${near === undefined ? '' : `. Did you mean "${near}"?`}${near === undefined ? '.' : ''} There ${names.length === 1 ? 'is' : 'are'}: ${names.join(', ')}.`,
  );
}

export async function readSweep(store: Store, id: string): Promise<StoredSweep> {
  const folder = new SweepFolder(store, id);
  return { id, folder, ...(await folder.plan()) };
}

/** The sweep's name without its plan. */
export function nameOf(id: string): string {
  return id.slice(0, id.lastIndexOf('~'));
}

/** `d32.forgetting.s1`, or `quickstart/d32.forgetting.s1` where the same run is in several sweeps: the newest sweep that has it. */
export async function findRun(
  store: Store,
  text: string,
): Promise<{ readonly sweep: StoredSweep; readonly run: Plan['runs'][number] }> {
  const slash = text.lastIndexOf('/');
  const wanted = text.slice(slash + 1).toLowerCase();
  const sweeps = slash < 0 ? await listSweeps(store) : [{ id: (await findSweep(store, text.slice(0, slash))).id }];
  const names: string[] = [];
  for (const { id } of sweeps) {
    const sweep = await readSweep(store, id);
    const run = sweep.plan.runs.find((each) => each.id === wanted);
    if (run !== undefined) return { sweep, run };
    names.push(...sweep.plan.runs.map((each) => each.id));
  }
  const near = suggest(wanted, names);
  throw new BadInput(
    `expected a run, <model>.<arm>.s<seed>, got "${text}"${near === undefined ? '' : `. Did you mean "${near}"?`} "lethe status" lists the runs.`,
  );
}
