import { describe, expect, it } from 'vitest';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { recipeOfPlan } from '../../src/report/recipe-of-plan.ts';
import { sampleSweep } from '../experiment/sample-sweep.ts';

describe('the recipe in words', () => {
  it('has a line per model and per kind of session, and names models only where they differ', () => {
    const { plan } = freezePlan(sampleSweep());
    const recipe = recipeOfPlan(plan);
    expect(recipe.map((line) => line.name)).toEqual([
      ...plan.models.map((model) => model.name),
      'align',
      'finetune',
      'review',
    ]);
    const rates = new Set(
      plan.stages.filter((stage) => stage.kind === 'finetune').map((stage) => stage.spec.train?.optimizer.learningRate),
    );
    const finetune = recipe.find((line) => line.name === 'finetune')?.value ?? '';
    for (const rate of rates) expect(finetune).toContain(String(rate));
    expect(finetune.match(/batch/g)?.length).toBe(1);
  });
});
