import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelCatalog } from '../../src/data/read-model-catalog.ts';
import { countParameters } from '../../src/experiment/model-size.ts';
import { flopsOfTraining, trainerMemory } from '../../src/experiment/stage-cost.ts';
import type { ModelSpec, Tuning } from '../../src/experiment/stage-spec.ts';

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

  const LORA: Tuning = { kind: 'lora', rank: 8, alpha: 16, dropout: 0, targets: ['c_attn'] };
  const TUNINGS = [undefined, LORA, { kind: 'top-block' }, { kind: 'head' }] as const;

  // Largest residentBytes of progress.jsonl on two threads, 64 sequences of 9 tokens, in MiB: all, adapters, top block, head.
  it.each([
    ['gpt2-d32', [6.7, 6.7, 6.3, 6.7]],
    ['gpt2-d64', [10.2, 9.0, 8.6, 9.1]],
    ['gpt2-d96', [22.9, 18.5, 14.3, 18.5]],
    ['gpt2-d192', [56.0, 35.4, 30.6, 35.6]],
  ])('estimates the memory of the trainer at %s within 10 % of what was measured', (name, measured) => {
    for (const [index, tuning] of TUNINGS.entries()) {
      const estimate = trainerMemory(models[name]!, { batch: 64, ...(tuning && { tuning }) }) / 2 ** 20;
      expect(Math.abs(estimate / measured[index]! - 1)).toBeLessThan(0.1);
    }
  });

  // Peak resident memory of native/bench/train_bench, four sequences of 256 tokens, loss on all.
  it('estimates the memory at real shapes within a few per cent', () => {
    const lengths = { prompt: 1, response: 255, longest: 256 };
    const smollm2: ModelSpec = {
      ...models['gpt2-small']!,
      family: 'llama',
      layers: 30,
      width: 576,
      heads: 9,
      keyValueHeads: 3,
      feedForward: 1536,
      vocabulary: 49_152,
    };
    const lora: Tuning = { ...LORA, targets: ['q_proj', 'v_proj'] };
    for (const [estimate, measured] of [
      [trainerMemory(models['gpt2-small']!, { batch: 4 }, lengths), 2.414e9],
      [trainerMemory(smollm2, { batch: 4 }, lengths), 2.861e9],
      [trainerMemory(smollm2, { batch: 4, tuning: lora }, lengths), 1.253e9],
      [trainerMemory(smollm2, { batch: 4, tuning: lora, frozenWeights: 'bf16' }, lengths), 1.004e9],
    ] as const)
      expect(Math.abs(estimate / measured - 1)).toBeLessThan(0.02);
  });

  // Peak resident memory of `lethe-trainer --generate` with eight prompts of up to 73 tokens and 64 new ones: 586,444 kB.
  it('estimates a model that only continues prompts: weights once, one set of buffers, keys and values', () => {
    const smollm2: ModelSpec = {
      ...models['gpt2-small']!,
      ...{ family: 'llama', layers: 30, width: 576, heads: 9, keyValueHeads: 3, feedForward: 1536 },
      ...{ vocabulary: 49_152, context: 8192 },
    };
    const lengths = { rows: 8, prompt: 35, response: 0, longest: 73 };
    const estimate = trainerMemory(smollm2, undefined, lengths, { lengths, maxNewTokens: 64 });
    expect(Math.abs(estimate / (586_444 * 1024) - 1)).toBeLessThan(0.1);
    const withoutCache = trainerMemory(smollm2, undefined, lengths, { lengths, maxNewTokens: 0 });
    expect(estimate - withoutCache).toBe(8 * 144 * 2 * 4 * 30 * 192);
    const many = { ...lengths, rows: 5000, longest: 512 };
    const most = trainerMemory(smollm2, undefined, many, { lengths: many, maxNewTokens: 500 });
    expect(most - trainerMemory(smollm2, undefined, many, { lengths: many, maxNewTokens: 0 })).toBeLessThan(2 ** 29);
  });

  it('holds weights, gradients and two moments of a model in training, and weights alone when it only scores', () => {
    const model = models['gpt2-xl']!;
    const bytes = 4 * countParameters(model).parameters;
    expect(trainerMemory(model, { batch: 1 })).toBeGreaterThan(4 * bytes);
    expect(trainerMemory(model, { batch: 1 })).toBeLessThan(4.1 * bytes);
    expect(trainerMemory(model, undefined)).toBeLessThan(1.1 * bytes);
  });
});
