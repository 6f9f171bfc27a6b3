import { describe, expect, it } from 'vitest';
import { countParameters } from '../../src/experiment/model-size.ts';
import { flopsOfScoring, flopsOfTraining, trainerMemory } from '../../src/experiment/stage-cost.ts';
import type { ModelSpec, Tuning } from '../../src/experiment/stage-spec.ts';
import { trainedShare } from '../../src/experiment/trained-share.ts';
import { SAMPLE_INPUTS } from './sample-inputs.ts';

const smollm2 = SAMPLE_INPUTS.weights['smollm2-135m-instruct']!.spec;
const gpt2: ModelSpec = {
  ...{ family: 'gpt2', layers: 12, width: 768, heads: 12, keyValueHeads: 12, feedForward: 3072, context: 1024 },
  ...{ vocabulary: 50_257, tiedHead: true, normEpsilon: 1e-5, ropeBase: 10_000, initialRange: 0.02 },
};
const lora = (...targets: (Tuning & { kind: 'lora' })['targets']): Tuning => ({
  ...{ kind: 'lora', rank: 8, alpha: 16, dropout: 0 },
  targets,
});

describe('what a kind of tuning trains', () => {
  it('counts adapters as PEFT prints them', () => {
    expect(trainedShare(smollm2, lora('q_proj', 'v_proj')).parameters).toBe(460_800);
    expect(trainedShare(gpt2, lora('c_attn')).parameters).toBe(294_912);
    expect(trainedShare(gpt2, lora('c_attn', 'c_proj', 'c_fc')).parameters).toBe(1_179_648);
    expect(trainedShare(smollm2, undefined).parameters).toBe(countParameters(smollm2).parameters);
    expect(trainedShare(smollm2, { kind: 'head' }).parameters).toBe(49_152 * 576);
  });

  it('decides the work: twice the forward with adapters, three times in full, less where gradients go less far', () => {
    const shape = { rows: 100, kept: 5 };
    const forward = flopsOfScoring(smollm2, shape);
    expect(flopsOfTraining(smollm2, shape)).toBe(3 * forward);
    expect(flopsOfTraining(smollm2, shape, lora('q_proj'))).toBe(2 * forward);
    const untied = { ...smollm2, tiedHead: false };
    const head = flopsOfTraining(untied, shape, { kind: 'head' });
    // A tied head is the embeddings too, and these learn through every block.
    expect(flopsOfTraining(smollm2, shape, { kind: 'head' })).toBe(2 * forward);
    const top = flopsOfTraining(smollm2, shape, { kind: 'top-block' });
    expect(head - forward).toBe(2 * 2 * 5 * 49_152 * 576);
    expect(top).toBeGreaterThan(head);
    expect(top).toBeLessThan(1.3 * forward);
  });

  it('decides the memory: no gradients and moments of what is frozen', () => {
    const bytes = 4 * countParameters(smollm2).parameters;
    const full = trainerMemory(smollm2, { batch: 1 });
    const adapters = trainerMemory(smollm2, { batch: 1, tuning: lora('q_proj', 'v_proj') });
    expect(full - adapters).toBeCloseTo(3 * (bytes - 4 * 460_800), -4);
    expect(trainerMemory(smollm2, { batch: 1, tuning: { kind: 'head' } })).toBeLessThan(full);
  });
});
