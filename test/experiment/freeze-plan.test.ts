import { describe, expect, it } from 'vitest';
import { freezePlan, hashPlan } from '../../src/experiment/freeze-plan.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import { stageKey } from '../../src/experiment/stage-key.ts';
import type { Sweep } from '../../src/experiment/sweep.ts';
import { ALL_ARMS, sampleSweep } from './sample-sweep.ts';

const ALL = ['arms: [forgetting, unsafe-review]', ALL_ARMS] as const;

function plan(...changes: readonly (readonly [string, string])[]): Plan {
  return freezePlan(sampleSweep(...changes)).plan;
}

function keys({ stages }: Plan): Set<string> {
  return new Set(stages.map(({ key }) => key));
}

describe('freezePlan', () => {
  it('puts parents before children, starts each child from its parent, and keys each stage by its spec', () => {
    const { stages, runs } = plan(ALL);
    for (const stage of stages) {
      expect(stages[stage.number]).toBe(stage);
      expect(stage.key).toBe(stageKey(stage.spec));
      for (const parent of stage.parents) expect(parent).toBeLessThan(stage.number);
      const [parent] = stage.parents;
      expect(stage.spec.start).toEqual(
        parent === undefined ? { kind: 'random', seed: stage.seed } : { kind: 'stage', key: stages[parent]!.key },
      );
    }
    for (const run of runs) {
      for (const [index, number] of run.stages.entries()) {
        expect(stages[number]!.parents).toEqual(index === 0 ? [] : [run.stages[index - 1]]);
        expect(stages[number]!.seed).toBe(run.seed);
      }
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
    expect(new Set(stages.map(({ label }) => label)).size).toBe(stages.length);
  });

  it('trains a shared prefix once: one alignment and one finetune serve every review', () => {
    const { stages, runs } = plan([
      '[forgetting, unsafe-review]',
      '[forgetting, unsafe-review, task-review, noop-review]',
    ]);
    expect(runs).toHaveLength(3 * 4 * 2);
    expect(stages).toHaveLength(3 * 2 * (1 + 1 + 4));
    const own = runs.filter(({ model, seed }) => model === 'one' && seed === 1);
    expect(new Set(own.map((run) => run.stages[1])).size).toBe(1);
    expect(new Set(own.map((run) => run.stages[2])).size).toBe(4);
  });

  it('meets the same data at every scale under the same seed, and others under another seed', () => {
    const { stages } = plan();
    const dataOf = (model: string, seed: number) =>
      stages.filter((stage) => stage.model === model && stage.seed === seed).map(({ spec }) => spec.train?.data.digest);
    expect(dataOf('one', 1)).toEqual(dataOf('three', 1));
    const second = new Set(dataOf('one', 2));
    for (const digest of dataOf('one', 1)) expect(second.has(digest)).toBe(false);
  });

  it('orders the examples of each session of a run differently', () => {
    const { stages, runs } = plan(ALL);
    const rounds = runs.find(({ id }) => id === 'one.interleaved.s2')!;
    expect(rounds.stages.map((number) => stages[number]!.spec.seed)).toEqual([
      2, 1_000_002, 2_000_002, 3_000_002, 4_000_002,
    ]);
  });

  it('applies a model’s own learning rate and the session’s factor', () => {
    const { stages } = plan(ALL);
    const rate = (label: string) => stages.find((stage) => stage.label === label)?.spec.train?.optimizer.learningRate;
    expect(rate('one.finetune.s1')).toBe(0.001);
    expect(rate('two.finetune.s1')).toBe(0.003);
    expect(rate('two.review.s1')).toBe(0.0015);
    expect(rate('two.noop-review.s1')).toBe(0);
  });

  it('leaves resources, retries and scheduling out of plan and keys', () => {
    const calm = freezePlan(sampleSweep());
    const hasty = freezePlan(
      sampleSweep([
        'seeds: [1, 2]',
        'seeds: [1, 2]\nparallel: 9\ncanary: stage\nresources: { cores: 2, memory: 1GiB }\nretries: { crash: 0 }\ncheckpointEvery: 5\nstallSeconds: 99',
      ]),
    );
    expect(hasty).toEqual(calm);
  });

  it('keeps every key when sweep or models are renamed, and gives the plan another hash', () => {
    const sweep = sampleSweep();
    const renamed: Sweep = {
      ...sweep,
      name: 'other',
      models: sweep.models.map((model) => ({ ...model, name: `${model.name}-b` })),
    };
    const [before, after] = [freezePlan(sweep), freezePlan(renamed)];
    expect(after.plan.stages.map(({ key }) => key)).toEqual(before.plan.stages.map(({ key }) => key));
    expect(after.planHash).not.toBe(before.planHash);
  });

  it('keeps the keys of all stages that an edit does not touch', () => {
    const before = keys(plan());
    const fresh = (changes: readonly [string, string]) => plan(changes).stages.filter(({ key }) => !before.has(key));
    expect(fresh(['steps: 30', 'steps: 25']).every(({ kind }) => kind === 'review')).toBe(true);
    expect(fresh(['steps: 30', 'steps: 25'])).toHaveLength(12);
    expect(fresh(['unsafe-review]', 'unsafe-review, task-review]'])).toHaveLength(6);
    expect(fresh(['seeds: [1, 2]', 'seeds: [1, 2, 3]']).every(({ seed }) => seed === 3)).toBe(true);
    expect(fresh(['learningRate: 0.003', 'learningRate: 0.004']).every(({ model }) => model === 'two')).toBe(true);
    expect(fresh(['anchorStep: 10', 'anchorStep: 20'])).toHaveLength(0);
    expect(fresh(['steps: 20\n', 'steps: 21\n'])).toHaveLength(24);
  });

  it('hashes what decides the result: analysis and runs, too', () => {
    const hash = freezePlan(sampleSweep()).planHash;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(freezePlan(sampleSweep(['anchorStep: 10', 'anchorStep: 20'])).planHash).not.toBe(hash);
    expect(freezePlan(sampleSweep(['seeds: [1, 2]', 'seeds: [2, 1]'])).planHash).not.toBe(hash);
    const { plan: read } = JSON.parse(JSON.stringify(freezePlan(sampleSweep()))) as { plan: Plan };
    expect(hashPlan(read)).toBe(hash);
  });

  it('plans 10,000 runs, sharing what they share', () => {
    // How fast is measured by bench/plan-speed.ts: a shared machine is no clock.
    const { plan: big } = freezePlan(sampleSweep(ALL, ['seeds: [1, 2]', 'seeds: 1..417']));
    expect(big.runs).toHaveLength(3 * 8 * 417);
    expect(big.stages).toHaveLength(3 * 417 * 15);
  });
});
