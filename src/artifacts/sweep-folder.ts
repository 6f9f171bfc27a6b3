import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../experiment/canonical-json.ts';
import { hashPlan } from '../experiment/freeze-plan.ts';
import { type Plan, sweepId } from '../experiment/plan.ts';
import type { Execution } from '../experiment/sweep.ts';
import { hasCode, publish } from './publish.ts';
import { BadFile } from './read-json.ts';
import { replaceFile } from './replace-file.ts';
import type { Store } from './store.ts';

/** `sweeps/<name>~<plan12>/`: the plan as it was frozen, and beside it what may change between two starts. */
export class SweepFolder {
  readonly id: string;
  readonly path: string;

  constructor(store: Store, id: string) {
    this.id = id;
    this.path = store.sweepPath(id);
  }

  /** Freezes a plan: written once, by whoever is first. `sourceText` is the sweep file as it was given; it decides nothing and is kept for the report. */
  static async freeze(store: Store, plan: Plan, planHash: string, sourceText?: string): Promise<SweepFolder> {
    const folder = new SweepFolder(store, sweepId(plan, planHash));
    if (sourceText !== undefined) await publish(join(folder.path, 'sweep.yaml'), sourceText);
    await publish(join(folder.path, 'plan.json'), `${canonicalJson(plan)}\n`);
    return folder;
  }

  /** The frozen plan, checked against the hash in the folder's name. Throws `BadFile` when there is none or it was changed. */
  async plan(): Promise<{ readonly plan: Plan; readonly planHash: string; readonly frozenAt: Date }> {
    const path = join(this.path, 'plan.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw new BadFile(path, 'a frozen plan', 'no file');
      throw error;
    }
    const plan = parsed(path, text);
    const planHash = hashPlan(plan);
    if (plan.format !== 'lethe-plan/1' || sweepId(plan, planHash) !== this.id) {
      throw new BadFile(
        path,
        `the plan ${this.id}`,
        `one that hashes to ${planHash.slice(0, 12)}: it was changed or is damaged`,
      );
    }
    return { plan, planHash, frozenAt: (await stat(path)).mtime };
  }

  /** Text of the sweep file as it was given; undefined for a plan that came without one. */
  async sourceText(): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, 'sweep.yaml'), 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** How the sweep is carried out: budgets, resources, checkpoints. The newest start's word counts. */
  async saveExecution(execution: Execution): Promise<void> {
    await replaceFile(join(this.path, 'execution.json'), `${canonicalJson(execution)}\n`);
  }

  async execution(): Promise<Execution> {
    try {
      return JSON.parse(await readFile(join(this.path, 'execution.json'), 'utf8')) as Execution;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return { retries: {}, resources: {} };
      throw error;
    }
  }
}

function parsed(path: string, text: string): Plan {
  try {
    return JSON.parse(text) as Plan;
  } catch {
    throw new BadFile(path, 'a frozen plan', `${text.length} characters that are no JSON`);
  }
}
