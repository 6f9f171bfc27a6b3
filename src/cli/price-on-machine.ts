import { availableParallelism } from 'node:os';
import type { Plan, PlanModel } from '../experiment/plan.ts';
import { type PricedPlan, pricePlan } from '../experiment/price-plan.ts';
import { bytes } from '../experiment/render-plan.ts';
import { lengthsOf, type SequenceLengths } from '../experiment/sequence-lengths.ts';
import { trainerMemory } from '../experiment/stage-cost.ts';
import type { ClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { thisMachine } from '../jobs/local/machine.ts';
import type { StoreAccess } from './access/store-access.ts';
import type { LoadedSweep } from './load-sweep.ts';
import { type MachineRate, machineRate } from './machine-rate.ts';

export interface MachinePrice {
  readonly priced: PricedPlan;
  readonly rate: MachineRate;
  /** Why this machine cannot run the sweep, one sentence each; empty when it can. */
  readonly refusals: readonly string[];
}

/** What a sweep costs on this very machine, what of it is done, and what cannot fit at all: a model that needs more than there is for one sequence at a time. */
export async function priceOnMachine(loaded: LoadedSweep, store: StoreAccess, slots?: number): Promise<MachinePrice> {
  const { plan, sweep } = loaded;
  const [rate, doneKeys, lengths, freeBytes] = await Promise.all([
    machineRate(),
    store.finishedKeys(plan),
    store.textLengths(plan),
    store.freeBytes(),
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
    refusals: [...memoryRefusals(loaded, priced, memoryBytes), ...diskRefusals(priced, freeBytes, store)],
  };
}

/** The same for a sweep whose jobs run in a cluster: time by this machine's rate, limits by the cluster's settings and the store's volume. */
export async function priceInCluster(
  loaded: LoadedSweep,
  store: StoreAccess,
  { memoryLimit, defaults }: ClusterSettings,
  slots: number,
): Promise<MachinePrice> {
  const { plan, sweep } = loaded;
  const [rate, doneKeys, lengths, freeBytes] = await Promise.all([
    machineRate(),
    store.finishedKeys(plan),
    store.textLengths(plan),
    store.freeBytes(),
  ]);
  const cores = sweep.execution.resources.cores ?? defaults.cores ?? 1;
  const flopsPerSecond = cores * rate.flopsPerSecond;
  const priced = pricePlan(plan, { doneKeys, flopsPerSecond, slots, memoryBytes: memoryLimit, lengths });
  const open = plan.models.filter((_, index) => priced.scales[index]!.stagesDone < priced.scales[index]!.stages);
  const refusals = [
    ...memoryRefusalsInCluster({ ...plan, models: open }, { memoryLimit }, lengths),
    ...diskRefusals(priced, freeBytes, store),
  ];
  return { priced, rate: { ...rate, because: `${rate.because}; nodes of the cluster may differ` }, refusals };
}

/** Models of which no job of the cluster may have enough memory. */
export function memoryRefusalsInCluster(
  plan: Plan,
  { memoryLimit }: Pick<ClusterSettings, 'memoryLimit'>,
  lengths: ReadonlyMap<string, SequenceLengths>,
): string[] {
  return plan.models.flatMap((model) => {
    const least = leastMemory(plan, model, lengths);
    if (least <= memoryLimit) return [];
    return [
      `${model.name} needs at least ${bytes(least)} to train one sequence at a time; a job may have ${bytes(memoryLimit)}`,
    ];
  });
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

function diskRefusals({ total }: PricedPlan, freeBytes: number, { shown }: StoreAccess): string[] {
  if (total.diskBytes <= freeBytes) return [];
  return [
    `it needs ${bytes(total.diskBytes)} of disk; there are ${bytes(freeBytes)} free at ${shown}. "lethe store gc" frees what nobody needs`,
  ];
}
