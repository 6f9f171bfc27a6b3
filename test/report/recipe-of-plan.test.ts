import { describe, expect, it } from 'vitest';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { parseSweep } from '../../src/experiment/parse-sweep.ts';
import { recipeOfPlan } from '../../src/report/recipe-of-plan.ts';
import { SAMPLE_INPUTS, TEXT_SWEEP } from '../experiment/sample-inputs.ts';
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
  it('says what weights a model starts from, and what of it is trained where that is not all', () => {
    const tuning = 'tuning: { kind: lora, rank: 8, alpha: 16, dropout: 0.05, targets: [v_proj, q_proj] }';
    const text = TEXT_SWEEP.replace('  clipNorm: 1\n', `  clipNorm: 1\n  ${tuning}\n`);
    const parsed = parseSweep(text, { path: 'texts.yaml', models: {}, inputs: SAMPLE_INPUTS });
    if (!parsed.ok) throw new Error('expected a sweep that parses');
    const lines = recipeOfPlan(freezePlan(parsed.sweep).plan);
    expect(lines[0]!.value).toMatch(/; starts from the weights 111111111111$/);
    expect(lines[1]!.value).toMatch(/LoRA of rank 8, alpha 16, dropout 0\.05 on q_proj, v_proj$/);
    expect(recipeOfPlan(freezePlan(sampleSweep()).plan).at(-1)!.value).not.toMatch(/trained|LoRA/);
  });
});
