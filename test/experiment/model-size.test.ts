import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelCatalog } from '../../src/data/read-model-catalog.ts';
import { countParameters } from '../../src/experiment/model-size.ts';
import { flopsOfTraining, trainerMemory } from '../../src/experiment/stage-cost.ts';

const models = await readModelCatalog(join(import.meta.dirname, '../../configs/models'));

describe('countParameters', () => {
  // The counts that Transformers reports for models of these configurations.
  it.each([
    ['gpt2-small', 124_439_808],
    ['gpt2-medium', 354_823_168],
    ['gpt2-large', 774_030_080],
    ['gpt2-xl', 1_557_611_200],
    ['llama-7b', 6_738_415_616],
    ['llama-13b', 13_015_864_320],
  ])('counts %s as published', (name, parameters) => {
    expect(countParameters(models[name]!).parameters).toBe(parameters);
  });

  it('leaves embeddings and head out of the scale, tied or not', () => {
    const tied = models['llama-d64']!;
    const own = countParameters(tied);
    const untied = countParameters({ ...tied, tiedHead: false });
    expect(untied.scaleParameters).toBe(own.scaleParameters);
    expect(own.parameters - own.scaleParameters).toBe(256 * 64);
    expect(untied.parameters - own.parameters).toBe(256 * 64);
    expect(countParameters(models['gpt2-d64']!).scaleParameters).toBe(
      countParameters({ ...models['gpt2-d64']!, vocabulary: 4096, context: 512 }).scaleParameters,
    );
  });

  it('counts grouped key and value heads', () => {
    const model = { ...models['llama-7b']!, keyValueHeads: 8 };
    expect(countParameters(models['llama-7b']!).parameters - countParameters(model).parameters).toBe(
      32 * 2 * 4096 * 3072,
    );
  });

  it('makes each LLaMA-style twin about as large as its GPT-2-style model', () => {
    for (const width of [32, 64, 96, 192]) {
      const ratio =
        countParameters(models[`llama-d${width}`]!).scaleParameters /
        countParameters(models[`gpt2-d${width}`]!).scaleParameters;
      expect(Math.abs(Math.log(ratio))).toBeLessThan(0.06);
    }
  });
});

describe('cost of training', () => {
  const all = (rows: number) => ({ rows, kept: rows });

  it('is about six per parameter and token where attention is small', () => {
    const model = models['gpt2-xl']!;
    const perToken = flopsOfTraining(model, all(16)) / 16;
    expect(perToken / (6 * countParameters(model).parameters)).toBeCloseTo(1, 1);
  });

  it('grows with the square of the sequence by attention alone', () => {
    const model = models['gpt2-small']!;
    const attention = 12 * 12 * 768;
    const linear = 1024 * (flopsOfTraining(model, all(1)) - attention);
    expect(flopsOfTraining(model, all(1024)) - linear).toBe(attention * 1024 * 1024);
  });

  it('saves the head and the last inner half on rows that predict nothing of the response', () => {
    const model = models['gpt2-small']!;
    const saved = flopsOfTraining(model, all(8)) - flopsOfTraining(model, { rows: 8, kept: 4 });
    expect(saved / (4 * 6)).toBeCloseTo(50257 * 768 + 2 * 768 * 3072, -5);
  });

  // Largest residentBytes of progress.jsonl over the finetunes of the quickstart, in MiB.
  it.each([
    ['gpt2-d32', 7.9],
    ['gpt2-d64', 12.2],
    ['gpt2-d96', 31.8],
    ['gpt2-d192', 72.6],
  ])('estimates the memory of the trainer at %s within 10 % of what was measured', (name, measured) => {
    const estimate = trainerMemory(models[name]!, { batch: 64 }) / 2 ** 20;
    expect(Math.abs(estimate / measured - 1)).toBeLessThan(0.1);
  });

  it('holds weights, gradients and two moments of a model in training, and weights alone when it only scores', () => {
    const model = models['gpt2-xl']!;
    const bytes = 4 * countParameters(model).parameters;
    expect(trainerMemory(model, { batch: 1 })).toBeGreaterThan(5 * bytes);
    expect(trainerMemory(model, { batch: 1 })).toBeLessThan(5.1 * bytes);
    expect(trainerMemory(model, undefined)).toBeLessThan(1.1 * bytes);
  });
});
