import { z } from 'zod';
import { ARM_NAMES } from './arm.ts';
import { SPLITS } from './example-part.ts';
import { FAILURE_CLASSES } from './failure-classes.ts';
import { bytes, line, name, number, positive, whole, yesOrNo } from './file-values.ts';
import { NOTIONS, POLICY_GRAMMAR, TEMPLATE_MODES } from './policy-grammar-recipe.ts';
import { EXAMPLE_CLASSES, LORA_TARGETS } from './stage-spec.ts';
import { CANARIES, SEED_LIMIT } from './sweep.ts';
import { TASK_ANSWERS, TEXT_KINDS, TEXT_VERSION } from './text-recipe.ts';

/** The fields of a sweep file as they are written; docs/sweep-file.md describes each. parse-sweep.ts fills in the defaults. */

const MOST_STEPS = 10_000_000;

const learningRate = () => positive(1);

const stop = z.strictObject({
  everySteps: whole(1, MOST_STEPS),
  exactMatch: number(0, 1),
  learnedShare: number(0, 1).exactOptional(),
});

const part = z.strictObject({
  /** Of the grammar; texts have one notion. */
  notion: z.enum(NOTIONS).exactOptional(),
  class: z.enum(EXAMPLE_CLASSES),
  split: z.enum(SPLITS).exactOptional(),
  count: whole(1, POLICY_GRAMMAR.mostPerPart),
});
const parts = z.array(part, { error: 'a list of parts such as { class: safe, count: 160 }' }).min(1, {
  error: 'at least one part such as { class: safe, count: 160 }',
});
export type WrittenPart = z.output<typeof part>;

const anchors = z.union([z.array(whole(0, MOST_STEPS)), z.strictObject({ every: whole(1, MOST_STEPS) })], {
  error: 'a list of steps, or { every: STEPS }',
});

const LORA_BOUND = 'full, top-block, head, or { kind: lora, rank, alpha, dropout, targets }';
const tuning = z.union(
  [
    z.enum(['full', 'top-block', 'head']),
    z.strictObject({
      kind: z.literal('lora'),
      rank: whole(1, 1024),
      alpha: positive(65_536),
      dropout: number(0, 0.99).default(0),
      targets: z.array(z.enum(LORA_TARGETS)).min(1, { error: 'at least one matrix such as q_proj' }),
    }),
  ],
  { error: LORA_BOUND },
);
export type WrittenTuning = z.output<typeof tuning>;

/** What `training` may set for all sessions, and a session for itself. */
const TRAINING_FIELDS = {
  batch: whole(1, 65_536).exactOptional(),
  learningRateFactor: number(0, 1000).exactOptional(),
  beta1: number(0, 0.9999).exactOptional(),
  beta2: number(0, 0.999999).exactOptional(),
  epsilon: positive(1).exactOptional(),
  weightDecay: number(0, 1).exactOptional(),
  clipNorm: number(0, 1e6).exactOptional(),
  schedule: z.enum(['constant', 'linear', 'cosine']).exactOptional(),
  warmupSteps: whole(0, MOST_STEPS).exactOptional(),
  lossOn: z.enum(['response', 'all']).exactOptional(),
  maxNewTokens: whole(1, 4096).exactOptional(),
  tuning: tuning.exactOptional(),
  frozenWeights: z.enum(['f32', 'bf16']).exactOptional(),
};

const SESSION_FIELDS = {
  train: parts,
  score: parts.exactOptional(),
  steps: whole(1, MOST_STEPS),
  anchors: anchors.exactOptional(),
  stop: z
    .union([z.literal('off'), stop], { error: 'off, or { everySteps, exactMatch, learnedShare }' })
    .exactOptional(),
  ...TRAINING_FIELDS,
};

export const SESSION = z.strictObject(SESSION_FIELDS);
export type WrittenSession = z.output<typeof SESSION>;
const SESSION_CHANGES = z.strictObject({
  ...SESSION_FIELDS,
  train: parts.exactOptional(),
  steps: whole(1, MOST_STEPS).exactOptional(),
});
export type WrittenChanges = z.output<typeof SESSION_CHANGES>;

const modelFields = z.strictObject({
  name: name().exactOptional(),
  /** Of the store's catalog, by the name under which they were added. */
  weights: name().exactOptional(),
  learningRate: learningRate().exactOptional(),
});
export type WrittenModelFields = z.output<typeof modelFields>;
const model = z.union([name(), modelFields], { error: 'a model name, or { name, weights, learningRate }' });
export type WrittenModel = z.output<typeof model>;

export const SWEEP_FIELDS = {
  name: name(),
  title: line(200).default(''),
  models: z
    .array(model, { error: 'a list of model names' })
    .min(1, { error: 'at least one model name' })
    .max(100, { error: 'at most 100 models' }),
  arms: z
    .array(z.enum(ARM_NAMES), { error: 'a list of arm names' })
    .min(1, { error: `at least one arm of ${ARM_NAMES.join(', ')}` }),
  seeds: z.union(
    [
      z
        .array(whole(0, SEED_LIMIT - 1))
        .min(1, { error: 'at least one seed' })
        .max(10_000, { error: 'at most 10000 seeds' }),
      z.string().regex(/^[0-9]{1,6}\.\.[0-9]{1,6}$/, { error: 'a range such as 1..5' }),
    ],
    { error: 'a list of seeds such as [1, 2, 3], or a range such as 1..3' },
  ),
  backend: z.enum(['cpu', 'cuda']).default('cpu'),
  precision: z.enum(['fp32']).default('fp32'),
  parallel: whole(1, 500).optional(),
  canary: z.enum(CANARIES).optional(),
  checkpointEvery: whole(1, MOST_STEPS).optional(),
  stallSeconds: whole(10, 86_400).optional(),
};

const dataKind = z.enum([POLICY_GRAMMAR.kind, ...TEXT_KINDS]);

export const GRAMMAR_FIELDS = {
  kind: dataKind,
  version: whole(POLICY_GRAMMAR.version, POLICY_GRAMMAR.version),
  notion: z.enum(NOTIONS),
  templates: z.enum(TEMPLATE_MODES).default('disjoint'),
};

const TEXT_FIELDS = {
  kind: dataKind,
  version: whole(TEXT_VERSION, TEXT_VERSION),
  maxTokens: whole(8, 131_072).default(256),
};

export const BBQ_GSM8K_FIELDS = {
  ...TEXT_FIELDS,
  /** Names of the sources in the store. */
  bbq: name().default('bbq'),
  gsm8k: name().default('gsm8k'),
  unsafeShare: number(0.05, 0.95).default(0.5),
  taskAnswer: z.enum(TASK_ANSWERS).default('final'),
};

export const JSONL_FIELDS = { ...TEXT_FIELDS, source: name(), notion: name().default('custom') };

export const TRAINING = { learningRate: learningRate(), ...TRAINING_FIELDS };

export const SESSIONS_FIELDS = {
  pretrain: SESSION.optional(),
  align: SESSION.optional(),
  finetune: SESSION,
  review: SESSION,
  replay: parts.optional(),
  interleaved: z
    .strictObject({
      rounds: whole(1, 100),
      finetune: SESSION_CHANGES.exactOptional(),
      review: SESSION_CHANGES.exactOptional(),
    })
    .optional(),
};

export const ANALYSIS_FIELDS = {
  primaryArm: z.enum(ARM_NAMES).optional(),
  /** The review step of the primary contrast. */
  anchorStep: whole(1, MOST_STEPS),
  scaleClaim: yesOrNo().default(true),
  smallestEffect: number(0.001, 0.999).default(0.1),
  rougeDrop: number(0, 0.999).default(0.1),
  alpha: number(0.0001, 0.5).default(0.05),
  learnedShare: number(0, 1).default(0.8),
  learnedProbability: number(0, 1).default(0.8),
  bootstrapDraws: whole(100, 1_000_000).default(2000),
  simulationDraws: whole(1000, 10_000_000).default(20_000),
  seed: whole(0, 2 ** 31 - 1).default(1),
};

export const RESOURCE_FIELDS = {
  cores: whole(1, 1024).optional(),
  memory: bytes().optional(),
  gpus: whole(0, 64).optional(),
};

export const RETRY_FIELDS = Object.fromEntries(FAILURE_CLASSES.map((kind) => [kind, whole(0, 1000).optional()]));
