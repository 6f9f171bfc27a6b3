import { stat, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import type { Plan, PlanModel } from '../experiment/plan.ts';
import { type PricedPlan, pricePlan } from '../experiment/price-plan.ts';
import { bytes } from '../experiment/render-plan.ts';
import { lengthsOf, type SequenceLengths } from '../experiment/sequence-lengths.ts';
import { trainerMemory } from '../experiment/stage-cost.ts';
import { thisMachine } from '../jobs/local/machine.ts';
import { finishedKeys } from './finished-keys.ts';
import type { LoadedSweep } from './load-sweep.ts';
import { type MachineRate, machineRate } from './machine-rate.ts';
import { storeFolder } from './project-folder.ts';
import { textLengths } from './text-lengths.ts';

export interface MachinePrice {
  readonly priced: PricedPlan;
  readonly rate: MachineRate;
  /** Why this machine cannot run the sweep, one sentence each; empty when it can. */
  readonly refusals: readonly string[];
}

/** What a sweep costs on this very machine, what of it is done, and what cannot fit at all: a model that needs more than there is for one sequence at a time. */
export async function priceOnMachine(
  loaded: LoadedSweep,
  store: string | undefined,
  slots?: number,
): Promise<MachinePrice> {
  const { plan, sweep } = loaded;
  const [rate, doneKeys, lengths] = await Promise.all([
    machineRate(),
    finishedKeys(store, plan),
    textLengths(plan, storeFolder(store)),
  ]);
  const { memoryBytes } = thisMachine().capacity;
  const cores = sweep.execution.resources.cores ?? 1;
  const priced = pricePlan(plan, {
    doneKeys,
    flopsPerSecond: cores * rate.flopsPerSecond,
    slots: slots ?? Math.max(1, Math.floor(availableParallelism() / cores)),
    memoryBytes,
    lengths,
  });
  return {
    priced,
    rate,
    refusals: [...memoryRefusals(loaded, priced, memoryBytes), ...(await diskRefusals(priced, storeFolder(store)))],
  };
}

/** Bytes to train one sequence at a time of a model, as its first stage that trains is tuned. `lengths`: of the plan's texts. */
export function leastMemory(
  { stages }: Plan,
  { name, spec }: Pick<PlanModel, 'name' | 'spec'>,
  lengths: ReadonlyMap<string, SequenceLengths> | undefined,
): number {
  const train = stages.find((stage) => stage.model === name && stage.spec.train)?.spec.train;
  return trainerMemory(spec, { ...train, batch: 1 }, train && lengthsOf(train.data.recipe, lengths));
}

function memoryRefusals({ plan, sweep }: LoadedSweep, { scales, question }: PricedPlan, memoryBytes: number): string[] {
  const asked = sweep.execution.resources.memoryBytes ?? memoryBytes;
  const limit = Math.min(memoryBytes, asked);
  const whose = asked < memoryBytes ? 'the sweep file allows' : 'this machine has, for jobs,';
  return plan.models.flatMap(({ name, spec }, index) => {
    const least = leastMemory(plan, { name, spec }, question.lengths);
    const done = scales[index]!.stagesDone === scales[index]!.stages;
    return done || least <= limit
      ? []
      : [`${name} needs at least ${bytes(least)} to train one sequence at a time; ${whose} ${bytes(limit)}`];
  });
}

async function diskRefusals({ total }: PricedPlan, store: string): Promise<string[]> {
  const { bavail, bsize } = await statfs(await nearestFolder(store));
  const free = bavail * bsize;
  return total.diskBytes <= free
    ? []
    : [`it needs ${bytes(total.diskBytes)} of disk; there are ${bytes(free)} free at ${store}`];
}

/** The store itself, or the folder in which it would be made. */
async function nearestFolder(path: string): Promise<string> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  return there || dirname(path) === path ? path : nearestFolder(dirname(path));
}
