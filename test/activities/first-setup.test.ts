import { describe, expect, it } from 'vitest';
import { firstSetup } from '../../src/activities/first-setup.ts';
import { trainerMemory } from '../../src/experiment/stage-cost.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';

const spec: StageSpec = {
  format: 'lethe-stage/1',
  kind: 'finetune',
  backend: 'cpu',
  precision: 'fp32',
  numerics: 1,
  model: {
    ...{ family: 'gpt2', layers: 2, width: 64, heads: 2, keyValueHeads: 2, feedForward: 256, context: 16 },
    ...{ vocabulary: 253, tiedHead: true, normEpsilon: 1e-5, ropeBase: 10_000, initialRange: 0.02 },
  },
  start: { kind: 'random', seed: 1 },
  seed: 1,
  train: {
    data: { digest: '0'.repeat(64), recipe: { kind: 'policy-grammar' } },
    lossOn: 'response',
    batch: 48,
    steps: 10,
    optimizer: {
      ...{ kind: 'adamw', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      ...{ weightDecay: 0, clipNorm: 1 },
    },
    schedule: { kind: 'constant', warmupSteps: 0 },
  },
};

const memoryOf = (batch: number) => trainerMemory(spec.model, { batch });

describe('the set-up of a first attempt', () => {
  it('passes the whole batch at once where it fits, and asks for what it is estimated to take', () => {
    expect(firstSetup(spec, {}, 2 ** 33)).toEqual({
      flags: { microBatch: 48, accumulate: 1, recompute: false },
      resources: { cores: 1, memoryBytes: Math.ceil(memoryOf(48)), gpus: 0 },
    });
  });

  it('takes the largest micro-batch that divides the batch and fits', () => {
    const { flags } = firstSetup(spec, {}, memoryOf(20));
    expect(flags).toMatchObject({ microBatch: 16, accumulate: 3 });
  });

  it('tries with single examples when nothing is estimated to fit: the estimate may be wrong', () => {
    expect(firstSetup(spec, {}, 1).flags).toMatchObject({ microBatch: 1, accumulate: 48 });
  });

  it('takes what the sweep file asks for', () => {
    const { resources, flags } = firstSetup(spec, { cores: 2, memoryBytes: Math.ceil(memoryOf(24)), gpus: 1 }, 2 ** 33);
    expect(resources).toEqual({ cores: 2, memoryBytes: Math.ceil(memoryOf(24)), gpus: 1 });
    expect(flags).toMatchObject({ microBatch: 24, accumulate: 2 });
  });
});
