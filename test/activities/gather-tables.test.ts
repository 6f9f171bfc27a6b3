import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gatherTables } from '../../src/activities/gather-tables.ts';
import { readTables } from '../../src/activities/read-tables.ts';
import { Store } from '../../src/artifacts/store.ts';
import { buildDataset } from '../../src/data/build-dataset.ts';
import { type Dataset, readDataset } from '../../src/data/read-dataset.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { Plan, PlanStage } from '../../src/experiment/plan.ts';
import type { DataReference, StageSpec } from '../../src/experiment/stage-spec.ts';
import { plantedPlan } from '../../src/statistics/planted-tables.ts';

vi.setConfig({ testTimeout: 60_000 });

const HASH = 'c'.repeat(64);
const RECIPE = {
  kind: 'policy-grammar',
  version: 1,
  templates: 'disjoint',
  seed: 1,
  parts: (['unsafe', 'safe', 'task'] as const).map((name) => ({
    notion: 'disclosure',
    class: name,
    split: 'noisy',
    count: 4,
  })),
};
const DATA: DataReference = { digest: digestOf(RECIPE), recipe: RECIPE };

let folder: string;
let store: Store;
let dataset: Dataset;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-gather-'));
  store = await Store.create(folder, { address: 'localhost:7233', namespace: 'lethe' });
  await buildDataset(join(folder, 'data'), DATA);
  dataset = await readDataset(join(folder, 'data'), DATA.digest);
});
afterEach(() => rm(folder, { recursive: true }));

/** A plan of one model, two arms that share the finetune stage, and seeds 1 … n. */
function makePlan(seeds: number): Plan {
  const stages: PlanStage[] = [];
  const add = (kind: 'finetune' | 'review', name: string, seed: number, parents: number[]): number => {
    const spec = { format: 'lethe-stage/1', kind, seed, score: { data: DATA, atSteps: [0], maxNewTokens: 8 }, name };
    stages.push({
      number: stages.length,
      key: digestOf(spec),
      kind,
      model: 'd32',
      seed,
      label: `d32.${name}.s${seed}`,
      parents,
      spec: spec as unknown as StageSpec,
    });
    return stages.length - 1;
  };
  const runs = Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) => {
    const finetune = add('finetune', 'finetune', seed, []);
    return ['forgetting', 'noop-review'].map((arm) => ({
      id: `d32.${arm}.s${seed}`,
      model: 'd32',
      arm,
      seed,
      stages: [finetune, add('review', arm, seed, [finetune])],
    }));
  });
  return {
    format: 'lethe-plan/1',
    name: 'test',
    models: [
      {
        name: 'd32',
        spec: { family: 'gpt2' } as Plan['models'][number]['spec'],
        parameters: 900,
        scaleParameters: 500,
      },
    ],
    stages,
    runs,
    analysis: { ...plantedPlan(1), notion: 'disclosure', bootstrapDraws: 100 },
  };
}

/** Makes a stage look finished: every response is repeated word for word, but from `forgottenFrom` on unsafe ones lose their last word. */
async function finish(
  stage: PlanStage,
  steps: readonly number[],
  forgottenFrom = Number.POSITIVE_INFINITY,
): Promise<void> {
  const writer = 'attempts/1/w';
  const anchors = [];
  await mkdir(join(store.stage(stage.key).path, writer, 'scores'), { recursive: true });
  for (const step of steps) {
    const lines = dataset.examples.map(({ id, class: name, responseTokens }) => {
      const forgotten = name === 'unsafe' && step >= forgottenFrom;
      const generated = responseTokens.slice(0, forgotten ? -2 : -1);
      return JSON.stringify({ id, tokens: responseTokens.length, sumLogProb: forgotten ? -8 : -0.02, generated });
    });
    const text = `${lines.join('\n')}\n`;
    const path = `${writer}/scores/step-${String(step).padStart(6, '0')}.jsonl`;
    await writeFile(join(store.stage(stage.key).path, path), text);
    anchors.push({
      path,
      sha256: createHash('sha256').update(text).digest('hex'),
      bytes: text.length,
      step,
      rows: lines.length,
    });
  }
  await store.stage(stage.key).publishSpec(stage.spec);
  await store.stage(stage.key).publishResult({
    format: 'lethe-result/1',
    key: stage.key,
    attempt: 1,
    writer: 'w',
    steps: steps.at(-1) as number,
    stoppedBy: 'step-limit',
    anchors,
    lineage: [],
    numerics: {},
    trainerBuild: 'b',
    microBatchChanged: false,
    collectedAt: '2026-01-01T00:00:00.000Z',
  });
}

async function finishAll(plan: Plan): Promise<void> {
  for (const stage of plan.stages) {
    const noop = stage.label.includes('noop');
    if (stage.kind === 'finetune') await finish(stage, [0, 50]);
    else await finish(stage, [0, 10, 30], noop ? undefined : 10);
  }
}

function gather(plan: Plan) {
  return gatherTables({ store, plan, planHash: HASH, tablesFolder: join(folder, 'tables') });
}

describe('gathering the tables of a sweep', () => {
  it('joins the scores of all stages, with ROUGE and exact match, under each run', async () => {
    const plan = makePlan(2);
    await finishAll(plan);
    const gathered = await gather(plan);
    // 4 runs × (2 + 3 anchors) × 12 examples.
    expect(gathered).toMatchObject({ wholeRuns: 4, missingRuns: [], rows: 240 });
    const input = await readTables(join(folder, 'tables'));
    expect(input.planHash).toBe(HASH);
    expect(input.plannedRuns).toHaveLength(4);
    const forgetting = input.runs.find(({ run }) => run.run === 'd32.forgetting.s1')?.contrast;
    const kept = input.runs.find(({ run }) => run.run === 'd32.noop-review.s1')?.contrast;
    expect(forgetting?.means.unsafe.binary).toBe(1);
    // Two of three words left: precision 1, recall ⅔, F = .8.
    expect(forgetting?.means.unsafe.legacy).toBeCloseTo(0.2, 12);
    expect(forgetting?.means.safe.legacy).toBe(0);
    expect(forgetting?.items.task.learned).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect(kept?.largestChange).toBe(0);
  });

  it('takes part with what is done and names the runs that are not whole', async () => {
    const plan = makePlan(1);
    await finish(plan.stages[0] as PlanStage, [0, 50]);
    const before = await gather(plan);
    expect(before).toMatchObject({ wholeRuns: 0, missingRuns: ['d32.forgetting.s1', 'd32.noop-review.s1'] });
    await finish(plan.stages[1] as PlanStage, [0, 10, 30], 10);
    const after = await gather(plan);
    expect(after).toMatchObject({ wholeRuns: 1, missingRuns: ['d32.noop-review.s1'] });
    expect(after.tablesDigest).not.toBe(before.tablesDigest);
    const { runs } = await readTables(join(folder, 'tables'));
    expect(runs.map(({ run, contrast }) => [run.run, contrast === null])).toEqual([
      ['d32.forgetting.s1', false],
      ['d32.noop-review.s1', true],
    ]);
  });

  it('makes the same files again from the stages', async () => {
    const plan = makePlan(1);
    await finishAll(plan);
    const first = await gather(plan);
    const path = join(folder, 'tables', 'scores.parquet');
    const bytes = await readFile(path);
    for (const { key } of plan.stages) await rm(store.stage(key).scoresPath);
    expect(await gather(plan)).toEqual(first);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it('refuses a score file that is not the one of the result', async () => {
    const plan = makePlan(1);
    await finishAll(plan);
    const file = join(store.stage(plan.stages[0]?.key ?? '').path, 'attempts/1/w/scores/step-000050.jsonl');
    await writeFile(file, '{}\n');
    await expect(gather(plan)).rejects.toThrow(
      new RegExp(`^${file}: expected sha256 [0-9a-f]{64} as in result.json, got`),
    );
  });
});
