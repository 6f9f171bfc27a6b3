import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModelCatalog } from '../data/read-model-catalog.ts';
import { freezePlan } from '../experiment/freeze-plan.ts';
import { formatProblems, parseSweep } from '../experiment/parse-sweep.ts';
import { type Plan, type PlanStage, sweepId } from '../experiment/plan.ts';
import type { Execution } from '../experiment/sweep.ts';

export const CHECKPOINT_EVERY = 5;
const STEPS = 100;

/** How long the API server is away: longer than the trainer takes, so that its end falls into it. */
export const OUTAGE_SECONDS = 15;
/** A trainer does 26 in a second on one of our cores. A stage that outlives a longer outage has so many for each second of it. */
const STEPS_A_SECOND = 32;

/**
 * Two stages of a model that any node holds: four steps of finetuning, then the review that is disturbed, some seconds long. A large batch makes few, slow steps, and
 * memory that depends on the micro-batch. The learning rate is small: a model that has learned all takes steps of the size of rounding errors, and then the order of
 * sums decides where it goes.
 */
const textOf = (steps: number) => `name: drill
title: A stage to be disturbed.
models: [gpt2-d16]
arms: [forgetting]
seeds: [1]
data: { kind: policy-grammar, version: 1, notion: disclosure }
training: { batch: 4096, learningRate: 0.0003 }
sessions:
  finetune:
    train:
      - { class: unsafe, count: 8 }
      - { class: safe, count: 8 }
      - { class: task, count: 8 }
    steps: 4
    anchors: [0]
  review:
    train:
      - { class: safe, count: 8 }
    steps: ${steps}
    anchors: [0, 20, ${steps}]
analysis: { anchorStep: 20, scaleClaim: false, bootstrapDraws: 200, simulationDraws: 2000 }
checkpointEvery: ${CHECKPOINT_EVERY}
`;

/** With 4,096 sequences at once the trainer takes 40 MiB, with half of them 23. */
export const MEMORY_THAT_KILLS = 30 * 2 ** 20;
export const MEMORY_ENOUGH = 192 * 2 ** 20;

export interface DrillSweep {
  readonly text: string;
  readonly plan: Plan;
  readonly planHash: string;
  readonly id: string;
  readonly execution: Execution;
  /** The stage that is disturbed, and its place in the plan. */
  readonly stage: PlanStage;
  readonly number: number;
  readonly outageMs: number;
}

/** `outageSeconds`: of the rows that take the API server away. A longer one than usual is outlived by the stage, which then takes longer in every row. */
export async function drillSweep(outageSeconds = OUTAGE_SECONDS): Promise<DrillSweep> {
  const text = textOf(outageSeconds > OUTAGE_SECONDS ? STEPS + STEPS_A_SECOND * outageSeconds : STEPS);
  const folder = join(fileURLToPath(new URL('../..', import.meta.url)), 'configs', 'models');
  const models = await readModelCatalog(folder);
  const parsed = parseSweep(text, { path: 'the sweep of a drill', models });
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  const { plan, planHash } = freezePlan(parsed.sweep);
  const number = plan.stages.findIndex(({ kind }) => kind === 'review');
  const stage = plan.stages[number];
  if (stage === undefined) throw new Error('expected a review in the plan of a drill, got none');
  const resources = { cores: 0.25, memoryBytes: MEMORY_ENOUGH };
  const execution = { ...parsed.sweep.execution, resources };
  const id = sweepId(plan, planHash);
  return { text, plan, planHash, id, execution, stage, number, outageMs: outageSeconds * 1_000 };
}
