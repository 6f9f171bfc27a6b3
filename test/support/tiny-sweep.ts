import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { readModelCatalog } from '../../src/data/read-model-catalog.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { parseSweep } from '../../src/experiment/parse-sweep.ts';
import type { Plan, PlanStage } from '../../src/experiment/plan.ts';
import type { StageKind } from '../../src/experiment/stage-spec.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

export interface TinySweep {
  readonly name?: string;
  readonly models?: readonly string[];
  readonly arms?: readonly string[];
  readonly seeds?: readonly number[];
  readonly learningRate?: number;
}

export interface FrozenSweep {
  readonly sweepId: string;
  readonly planHash: string;
  readonly plan: Plan;
}

/** Freezes a sweep of tiny stages into a store: for each model and seed an alignment and a finetune, and a review for each arm. */
export async function freezeTinySweep(store: Store, asked: TinySweep = {}): Promise<FrozenSweep> {
  const { name = 'tiny', models = ['gpt2-d8'], arms = ['forgetting'], seeds = [1], learningRate = 0.003 } = asked;
  const smoke = await readFile(join(project, 'configs', 'sweeps', 'smoke.yaml'), 'utf8');
  const text = smoke
    .replace(/^name: .*$/m, `name: ${name}`)
    .replace(/^models: .*$/m, `models: [${models.join(', ')}]`)
    .replace(/^arms: .*$/m, `arms: [${arms.join(', ')}]`)
    .replace(/^seeds: .*$/m, `seeds: [${seeds.join(', ')}]`)
    .replace(/learningRate: .*$/m, `learningRate: ${learningRate}`)
    .replace(/^analysis:$/m, 'analysis:\n  scaleClaim: false');
  const catalog = await readModelCatalog(join(project, 'configs', 'models'));
  const parsed = parseSweep(text, { path: 'tiny.yaml', models: catalog });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { plan, planHash } = freezePlan(parsed.sweep);
  const { id } = await SweepFolder.freeze(store, plan, planHash);
  return { sweepId: id, planHash, plan };
}

/** The stage of a kind; of several seeds, of that seed. */
export function stageOf(plan: Plan, kind: StageKind, seed = 1): PlanStage {
  const found = plan.stages.find((stage) => stage.kind === kind && stage.label.endsWith(`.s${seed}`));
  if (found === undefined) {
    throw new Error(`expected a ${kind} of seed ${seed} among ${plan.stages.map(({ label }) => label).join(', ')}`);
  }
  return found;
}
