import type { Store } from '../artifacts/store.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from '../artifacts/stored-sweeps.ts';
import { suggest } from '../experiment/suggest.ts';
import type { RetrySelection } from '../experiment/sweep-control.ts';
import { BadInput } from './exit-codes.ts';
import { findSweep } from './sweeps.ts';

/** What `lethe retry TARGET` means: a sweep (all that is parked in it), or a run or stage of the newest sweep that has one of that name; `SWEEP/RUN` names the sweep too. */
export async function findTarget(
  store: Store,
  text: string,
  failed: boolean,
): Promise<{ readonly sweep: StoredSweep; readonly selection: RetrySelection }> {
  const sweeps = await listSweeps(store);
  const wanted = text.toLowerCase();
  const isSweep = sweeps.some(({ id }) => nameOf(id) === wanted || id === wanted);
  if (isSweep) {
    if (!failed)
      throw new BadInput(
        `"${text}" is a sweep: expected --failed, which re-opens all that is parked in it, or the name of one run or stage of it.`,
      );
    return { sweep: await findSweep(store, text), selection: { kind: 'failed' } };
  }
  if (failed) return { sweep: await findSweep(store, text), selection: { kind: 'failed' } };
  const slash = wanted.lastIndexOf('/');
  const name = wanted.slice(slash + 1);
  const candidates = slash < 0 ? sweeps.map(({ id }) => id) : [(await findSweep(store, text.slice(0, slash))).id];
  const names: string[] = [];
  for (const id of candidates) {
    const sweep = await readSweep(store, id);
    if (sweep.plan.runs.some((run) => run.id === name)) return { sweep, selection: { kind: 'runs', runs: [name] } };
    if (sweep.plan.stages.some((stage) => stage.label === name))
      return { sweep, selection: { kind: 'stages', stages: [name] } };
    names.push(...sweep.plan.runs.map((run) => run.id), ...sweep.plan.stages.map((stage) => stage.label), nameOf(id));
  }
  const meant = suggest(name, names);
  throw new BadInput(
    `expected a run (<model>.<arm>.s<seed>), a stage (<model>.<stage>.s<seed>) or a sweep, got "${text}"${meant === undefined ? '' : `. Did you mean "${meant}"?`} "lethe status" lists the runs.`,
  );
}
