import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inputCatalog } from '../artifacts/input-catalog-of-store.ts';
import { hasCode } from '../artifacts/publish.ts';
import { readModelCatalog } from '../data/read-model-catalog.ts';
import { freezePlan } from '../experiment/freeze-plan.ts';
import { formatProblems, parseSweep, type SweepProblem } from '../experiment/parse-sweep.ts';
import { type Plan, sweepId } from '../experiment/plan.ts';
import { suggest } from '../experiment/suggest.ts';
import type { Sweep } from '../experiment/sweep.ts';
import type { ModelCatalog } from '../experiment/sweep-draft.ts';
import { localAccess } from './access/local-access.ts';
import type { StoreAccess } from './access/store-access.ts';
import { BadInput } from './exit-codes.ts';
import { projectFolder, shownPath, storeFolder } from './project-folder.ts';

export interface LoadedSweep {
  readonly path: string;
  readonly text: string;
  readonly sweep: Sweep;
  readonly plan: Plan;
  readonly planHash: string;
  /** `<name>~<plan12>` */
  readonly id: string;
  /** Specs of its models that come without weights, as this machine's folder has them. */
  readonly models: ModelCatalog;
}

/** Thrown with all that is wrong in a sweep file  */
export class SweepFileError extends BadInput {
  readonly problems: readonly SweepProblem[];
  constructor(problems: readonly SweepProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super(`${count}, nothing was created:\n${formatProblems(problems)}`);
    this.problems = problems;
  }
}

/** Reads and freezes a sweep file. `configs/sweeps/NAME.yaml` may be given as NAME. `store`: where its weights and data sources are. */
export async function loadSweep(
  file: string,
  store: Pick<StoreAccess, 'inputs' | 'remote' | 'shown'> = localAccess(storeFolder(undefined)),
): Promise<LoadedSweep> {
  const [{ path, text }, models, inputs] = await Promise.all([
    readSweepFile(file),
    readModelCatalog(join(projectFolder, 'configs', 'models')),
    store.inputs(),
  ]);
  const parsed = parseSweep(text, {
    path: shownPath(path),
    models,
    inputs: {
      ...inputCatalog(inputs.models, inputs.sources),
      ...(store.remote && { store: store.shown }),
    },
  });
  if (!parsed.ok) throw new SweepFileError(parsed.problems.map((problem) => withWayIn(problem, store)));
  const { plan, planHash } = freezePlan(parsed.sweep);
  const own = Object.entries(models).filter(([name]) => plan.models.some((model) => model.name === name));
  return {
    ...{ path: shownPath(path), text, sweep: parsed.sweep, plan, planHash, id: sweepId(plan, planHash) },
    models: Object.fromEntries(own),
  };
}

/** A path where a name belongs: what lies on this machine is brought into the store first, wherever that is. */
function withWayIn(problem: SweepProblem, { remote, shown }: Pick<StoreAccess, 'remote' | 'shown'>): SweepProblem {
  const path = /got "([~./][^"]*|[^"]*\/[^"]*)"/.exec(problem.sentence)?.[1];
  const [, kind] = /(?:^|\.)(weights|bbq|gsm8k|jsonl)$/.exec(problem.field) ?? [];
  if (path === undefined || kind === undefined) return problem;
  const command = kind === 'weights' ? `model add ${path}` : `data add ${kind} ${path}`;
  const way = `lethe ${command} --name NAME${remote ? ` --store ${shown}` : ''}`;
  return { ...problem, sentence: `${problem.sentence}. A path of this machine is brought in with: ${way}` };
}

async function readSweepFile(file: string): Promise<{ path: string; text: string }> {
  const sweeps = join(projectFolder, 'configs', 'sweeps');
  for (const path of [file, join(sweeps, `${file}.yaml`)]) {
    try {
      return { path, text: await readFile(path, 'utf8') };
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EISDIR')) throw error;
    }
  }
  const known = (await filesIn(sweeps)).map((name) => join(shownPath(sweeps), name));
  const meant =
    suggest(file, known) ??
    suggest(
      file,
      known.map((path) => path.replace(/^.*\/|\.yaml$/g, '')),
    );
  throw new BadInput(
    `expected a sweep file, found none at ${file}${meant === undefined ? '' : `. Did you mean ${meant}?`} There are: ${known.join(', ')}`,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
