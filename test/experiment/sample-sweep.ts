import { type ParsedSweep, parseSweep } from '../../src/experiment/parse-sweep.ts';
import type { ModelSpec } from '../../src/experiment/stage-spec.ts';
import type { Sweep } from '../../src/experiment/sweep.ts';

const TINY: ModelSpec = {
  family: 'gpt2',
  layers: 1,
  width: 8,
  heads: 2,
  keyValueHeads: 2,
  feedForward: 32,
  context: 16,
  vocabulary: 256,
  tiedHead: true,
  normEpsilon: 1e-5,
  ropeBase: 10_000,
  initialRange: 0.02,
};

export const SAMPLE_MODELS: Readonly<Record<string, ModelSpec>> = {
  one: TINY,
  two: { ...TINY, width: 16 },
  three: { ...TINY, layers: 2, width: 16 },
  'llama-one': { ...TINY, family: 'llama' },
  short: { ...TINY, context: 8, width: 24 },
  'few-words': { ...TINY, vocabulary: 200, width: 32 },
  'one-again': TINY,
};

export const SAMPLE_TEXT = `name: sample
models: [one, { name: two, learningRate: 0.003 }, three]
arms: [forgetting, unsafe-review]
seeds: [1, 2]
data:
  kind: policy-grammar
  version: 1
  notion: disclosure
training:
  batch: 16
  learningRate: 0.001
sessions:
  align:
    train:
      - { class: safe, count: 16 }
      - { notion: permission, class: safe, count: 16 }
    steps: 20
  finetune:
    train:
      - { class: unsafe, count: 16 }
      - { class: safe, count: 16 }
      - { class: task, count: 16 }
    steps: 40
    anchors: [0]
    stop: { everySteps: 20, exactMatch: 0.9 }
  review:
    train:
      - { class: safe, count: 16 }
    learningRateFactor: 0.5
    steps: 30
    anchors: [0, 10, 20]
  interleaved:
    rounds: 2
    finetune: { anchors: { every: 10 }, stop: off }
    review: { steps: 20, anchors: [0, 10] }
analysis:
  anchorStep: 10
`;

/** Replaces text that must be there, so that a case never tests the unchanged sample. */
export function edited(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`expected the sample to hold ${JSON.stringify(from)}`);
    return text.replace(from, to);
  }, SAMPLE_TEXT);
}

export function parseSample(text: string): ParsedSweep {
  return parseSweep(text, { path: 'sample.yaml', models: SAMPLE_MODELS });
}

export function sampleSweep(...changes: readonly (readonly [from: string, to: string])[]): Sweep {
  const parsed = parseSample(edited(...changes));
  if (!parsed.ok) throw new Error(parsed.problems.map(({ field, sentence }) => `${field}: ${sentence}`).join('\n'));
  return parsed.sweep;
}

export const ALL_ARMS =
  'arms: [forgetting, unsafe-review, task-review, mismatched-review, noop-review, label-swap, safety-replay, interleaved]';
