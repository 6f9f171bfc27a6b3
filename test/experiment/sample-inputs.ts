import type { InputCatalog } from '../../src/experiment/input-catalog.ts';

/** A store that has what the shipped sweeps name: SmolLM2-135M-Instruct's shape, and sources of the size of the published ones. */
export const SAMPLE_INPUTS: InputCatalog = {
  weights: {
    'smollm2-135m-instruct': {
      digest: '1'.repeat(64),
      tokenizer: '2'.repeat(64),
      spec: {
        ...{ family: 'llama', layers: 30, width: 576, heads: 9, keyValueHeads: 3, feedForward: 1536, context: 8192 },
        ...{ vocabulary: 49_152, tiedHead: true, normEpsilon: 1e-5, ropeBase: 100_000, initialRange: 0.02 },
      },
    },
    bare: {
      digest: '3'.repeat(64),
      spec: {
        ...{ family: 'llama', layers: 2, width: 64, heads: 4, keyValueHeads: 2, feedForward: 128, context: 512 },
        ...{ vocabulary: 384, tiedHead: true, normEpsilon: 1e-5, ropeBase: 10_000, initialRange: 0.02 },
      },
    },
  },
  sources: {
    bbq: { digest: '4'.repeat(64), kind: 'bbq', examples: { unsafe: 4946, safe: 9892 } },
    gsm8k: { digest: '5'.repeat(64), kind: 'gsm8k', examples: { task: 7473 } },
    mine: { digest: '6'.repeat(64), kind: 'jsonl', examples: { unsafe: 30, safe: 30, task: 30 } },
  },
};

/** A sweep of real texts that starts from weights. Its keys are golden: leave it as it is. */
export const TEXT_SWEEP = `name: texts
title: Texts.
models:
  - { weights: smollm2-135m-instruct, name: smollm2 }
arms: [forgetting, unsafe-review, noop-review, interleaved]
seeds: [1, 2]
data:
  kind: bbq-gsm8k
  version: 1
  unsafeShare: 0.5
  taskAnswer: final
  maxTokens: 224
training:
  batch: 16
  learningRate: 0.0001
  clipNorm: 1
  schedule: constant
  lossOn: response
  maxNewTokens: 16
sessions:
  finetune:
    train:
      - { class: unsafe, count: 64 }
      - { class: safe, count: 64 }
      - { class: task, count: 64 }
    steps: 120
    anchors: [0, 30, 60]
  review:
    train:
      - { class: safe, count: 128 }
    learningRateFactor: 0.5
    steps: 60
    anchors: [0, 10, 20, 40]
  interleaved:
    rounds: 2
    finetune:
      steps: 120
      anchors: [0, 30, 60]
analysis:
  scaleClaim: false
  anchorStep: 20
resources: { cores: 2 }
parallel: 1
`;
