import { ApplicationFailure } from '@temporalio/activity';
import { BadFile } from '../artifacts/read-json.ts';
import type { Store } from '../artifacts/store.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import type { Plan } from '../experiment/plan.ts';

export interface FrozenPlan {
  readonly plan: Plan;
  readonly planHash: string;
  /** Names of the runs that go through each stage, by its number. */
  readonly runsOf: ReadonlyMap<number, readonly string[]>;
}

const KEPT = 4;

/** Plans by sweep, read and checked against their hash once: every launch needs one stage of a file of megabytes. */
export class FrozenPlans {
  readonly #store: Store;
  readonly #plans = new Map<string, Promise<FrozenPlan>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws a failure that is not retried when the plan is missing or changed. */
  async of(sweepId: string): Promise<FrozenPlan> {
    const known = this.#plans.get(sweepId);
    if (known !== undefined) return known;
    const plan = this.#read(sweepId);
    this.#plans.set(sweepId, plan);
    plan.catch(() => this.#plans.delete(sweepId));
    for (const oldest of [...this.#plans.keys()].slice(0, -KEPT)) this.#plans.delete(oldest);
    return plan;
  }

  async runsOfStage(sweepId: string, stage: number): Promise<readonly string[]> {
    return (await this.of(sweepId)).runsOf.get(stage) ?? [];
  }

  async #read(sweepId: string): Promise<FrozenPlan> {
    try {
      const { plan, planHash } = await new SweepFolder(this.#store, sweepId).plan();
      return { plan, planHash, runsOf: runsByStage(plan) };
    } catch (error) {
      if (!(error instanceof BadFile)) throw error;
      throw ApplicationFailure.create({ message: error.message, type: 'config', nonRetryable: true, cause: error });
    }
  }
}

function runsByStage({ runs }: Plan): Map<number, string[]> {
  const byStage = new Map<number, string[]>();
  for (const { id, stages } of runs) {
    for (const number of stages) {
      const names = byStage.get(number);
      if (names === undefined) byStage.set(number, [id]);
      else names.push(id);
    }
  }
  return byStage;
}
