import type { Store } from '../artifacts/store.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { Plan } from '../experiment/plan.ts';
import { suggest } from '../experiment/suggest.ts';
import { BadInput } from './exit-codes.ts';

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
