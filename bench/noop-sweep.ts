import type { Store } from '../src/artifacts/store.ts';
import { SweepFolder } from '../src/artifacts/sweep-folder.ts';
import { loadSweep } from '../src/cli/load-sweep.ts';
import { hashPlan } from '../src/experiment/freeze-plan.ts';
import type { Plan, PlanStage } from '../src/experiment/plan.ts';
import { stageKey } from '../src/experiment/stage-key.ts';
import type { StageSpec } from '../src/experiment/stage-spec.ts';
import type { SweepReference } from '../src/temporal/sweep-client.ts';

function noopStage(seed: number, number: number): PlanStage {
  const spec: StageSpec = {
    format: 'lethe-stage/1',
    kind: 'score',
    backend: 'cpu',
    precision: 'fp32',
    numerics: 1,
    model: {
      ...{ family: 'gpt2', layers: 1, width: 8, heads: 1, keyValueHeads: 1, feedForward: 32, context: 16 },
      ...{ vocabulary: 256, tiedHead: true, normEpsilon: 1e-5, ropeBase: 10000, initialRange: 0.02 },
    },
    start: { kind: 'random', seed },
    seed,
  };
  const common = { number, kind: 'score', model: 'noop', seed, parents: [], spec } as const;
  return { ...common, key: stageKey(spec), label: `noop.score.s${seed}` };
}

/** A sweep of runs of one stage that trains nothing; its stages are those of the seeds from `firstSeed` on, 500 of them in flight at most. */
export async function freezeNoopSweep(
  store: Store,
  { name, firstSeed, runs }: { readonly name: string; readonly firstSeed: number; readonly runs: number },
): Promise<SweepReference> {
  const stages = Array.from({ length: runs }, (_, number) => noopStage(firstSeed + number, number));
  // Any valid analysis plan: nothing is analysed.
  const { analysis } = (await loadSweep('quickstart')).plan;
  const plan: Plan = {
    format: 'lethe-plan/1',
    name,
    models: [{ name: 'noop', spec: stages[0]!.spec.model, parameters: 3_000, scaleParameters: 800 }],
    stages,
    runs: stages.map(({ seed, number }) => {
      return { id: `noop.none.s${seed}`, model: 'noop', arm: 'none', seed, stages: [number] };
    }),
    analysis,
  };
  const planHash = hashPlan(plan);
  const { id: sweepId } = await SweepFolder.freeze(store, plan, planHash);
  return { storeId: store.id, sweepId, planHash, schedule: { parallel: Math.min(500, runs), canary: 'off' } };
}
