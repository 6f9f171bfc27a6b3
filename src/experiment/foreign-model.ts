import { z } from 'zod';
import { llama3Scaling } from './llama3-scaling.ts';
import type { ModelSpec, RopeScaling } from './stage-spec.ts';

/** The shape of a model that others made: from a Hugging Face config.json, or from the keys of a GGUF file. */
export type ForeignModel =
  | { readonly ok: true; readonly spec: ModelSpec }
  | { readonly ok: false; readonly sentence: string };

const size = (most: number) => z.int().min(1).max(most);
const onlyTrue = z.literal(true).optional();
const onlyFalse = z.literal(false).optional();
const one = z.literal(1).optional();

const ROPE = z.looseObject({
  rope_type: z.enum(['default', 'linear', 'llama3']).optional(),
  type: z.enum(['default', 'linear', 'llama3']).optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().min(1).optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: size(2 ** 20).optional(),
  partial_rotary_factor: one,
});

/** Switches that we compute in one position only are literals: another value must refuse the model, not change its function in silence. */
const GPT2 = z.looseObject({
  model_type: z.literal('gpt2'),
  vocab_size: size(2 ** 24),
  n_layer: size(1024),
  n_embd: size(2 ** 17),
  n_head: size(4096),
  n_inner: size(2 ** 20).optional(),
  n_positions: size(2 ** 20),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().positive().default(0.02),
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).optional(),
  scale_attn_weights: onlyTrue,
  scale_attn_by_inverse_layer_idx: onlyFalse,
  add_cross_attention: onlyFalse,
  tie_word_embeddings: z.boolean().default(true),
});

const LLAMA = z.looseObject({
  model_type: z.literal('llama'),
  vocab_size: size(2 ** 24),
  num_hidden_layers: size(1024),
  hidden_size: size(2 ** 17),
  num_attention_heads: size(4096),
  num_key_value_heads: size(4096).optional(),
  intermediate_size: size(2 ** 20),
  max_position_embeddings: size(2 ** 20),
  rms_norm_eps: z.number().positive().default(1e-6),
  initializer_range: z.number().positive().default(0.02),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ROPE.optional(),
  rope_parameters: ROPE.optional(),
  partial_rotary_factor: one,
  head_dim: size(2 ** 17).optional(),
  hidden_act: z.literal('silu').optional(),
  attention_bias: onlyFalse,
  mlp_bias: onlyFalse,
  tie_word_embeddings: z.boolean().default(false),
});

/** The model of a Hugging Face `config.json`; fields that are null count as absent. `path` stands in the sentence. */
export function modelOfConfig(config: unknown, path: string): ForeignModel {
  const fields = withoutNulls(config);
  const kind = z.looseObject({ model_type: z.enum(['gpt2', 'llama']) }).safeParse(fields);
  if (!kind.success) return refuse(path, kind.error, fields);
  if (kind.data.model_type === 'gpt2') {
    const read = GPT2.safeParse(fields);
    return read.success ? checked(gpt2Spec(read.data), path) : refuse(path, read.error, fields);
  }
  const read = LLAMA.safeParse(fields);
  if (!read.success) return refuse(path, read.error, fields);
  const { head_dim, hidden_size, num_attention_heads } = read.data;
  if (head_dim !== undefined && head_dim * num_attention_heads !== hidden_size)
    return {
      ok: false,
      sentence: `${path}: expected head_dim to be ${hidden_size} / ${num_attention_heads}, got ${head_dim}`,
    };
  const scaling = ropeScalingOf(read.data.rope_parameters ?? read.data.rope_scaling, path);
  if (typeof scaling === 'string') return { ok: false, sentence: scaling };
  return checked(llamaSpec(read.data, scaling), path);
}

function gpt2Spec(config: z.output<typeof GPT2>): ModelSpec {
  return {
    family: 'gpt2',
    layers: config.n_layer,
    width: config.n_embd,
    heads: config.n_head,
    keyValueHeads: config.n_head,
    feedForward: config.n_inner ?? 4 * config.n_embd,
    context: config.n_positions,
    vocabulary: config.vocab_size,
    tiedHead: config.tie_word_embeddings,
    normEpsilon: config.layer_norm_epsilon,
    ropeBase: 10_000,
    initialRange: config.initializer_range,
  };
}

function llamaSpec(config: z.output<typeof LLAMA>, ropeScaling: RopeScaling | undefined): ModelSpec {
  return {
    family: 'llama',
    layers: config.num_hidden_layers,
    width: config.hidden_size,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads ?? config.num_attention_heads,
    feedForward: config.intermediate_size,
    context: config.max_position_embeddings,
    vocabulary: config.vocab_size,
    tiedHead: config.tie_word_embeddings,
    normEpsilon: config.rms_norm_eps,
    ropeBase: config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000,
    initialRange: config.initializer_range,
    ...(ropeScaling && { ropeScaling }),
  };
}

/** A sentence when a scaling that is named lacks its numbers. */
function ropeScalingOf(rope: z.output<typeof ROPE> | undefined, path: string): RopeScaling | string | undefined {
  const kind = rope?.rope_type ?? rope?.type ?? 'default';
  if (rope === undefined || kind === 'default') return undefined;
  const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = rope;
  if (factor === undefined) return `${path}: expected the factor of the ${kind} rope scaling, got none`;
  if (kind === 'linear') return { kind, factor };
  if (low_freq_factor === undefined || high_freq_factor === undefined || original_max_position_embeddings === undefined)
    return `${path}: expected low_freq_factor, high_freq_factor and original_max_position_embeddings of the llama3 rope scaling, got one missing`;
  return {
    kind,
    factor,
    lowFrequencyFactor: low_freq_factor,
    highFrequencyFactor: high_freq_factor,
    originalContext: original_max_position_embeddings,
  };
}

export interface GgufFacts {
  /** By name, arrays included. */
  readonly keys: ReadonlyMap<string, unknown>;
  /** Shape of each tensor, slowest first. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  readonly ropeDivisors?: readonly number[];
}

/** The model of a GGUF file of architecture llama: the only one whose tensors the trainer reads. */
export function modelOfGguf({ keys, tensors, ropeDivisors }: GgufFacts, path: string): ForeignModel {
  const architecture = keys.get('general.architecture');
  if (architecture !== 'llama')
    return {
      ok: false,
      sentence: `${path}: expected general.architecture llama, got ${JSON.stringify(architecture) ?? 'none'}; a Hugging Face folder of the model may be used instead`,
    };
  const llama = (name: string) => keys.get(`llama.${name}`);
  const heads = llama('attention.head_count');
  const config = {
    model_type: 'llama',
    vocab_size: tensors.get('token_embd.weight')?.[0],
    num_hidden_layers: llama('block_count'),
    hidden_size: llama('embedding_length'),
    num_attention_heads: heads,
    num_key_value_heads: llama('attention.head_count_kv') ?? heads,
    intermediate_size: llama('feed_forward_length'),
    max_position_embeddings: llama('context_length'),
    rms_norm_eps: shortFloat(llama('attention.layer_norm_rms_epsilon')),
    rope_theta: shortFloat(llama('rope.freq_base')),
    head_dim: llama('attention.key_length') ?? llama('rope.dimension_count'),
    tie_word_embeddings: !tensors.has('output.weight'),
    ...ggufRope(llama),
  };
  const model = modelOfConfig(config, `${path} (keys llama.*)`);
  if (!model.ok || ropeDivisors === undefined) return model;
  const ropeScaling = llama3Scaling(model.spec, ropeDivisors);
  if (ropeScaling) return { ok: true, spec: { ...model.spec, ropeScaling } };
  return {
    ok: false,
    sentence: `${path}: expected the tensor rope_freqs.weight to scale as Llama 3 does, got other divisors; use the model's Hugging Face folder`,
  };
}

/** Linear scaling stands in two keys; in older files in one. */
function ggufRope(llama: (name: string) => unknown): { readonly rope_scaling?: object } {
  const type = llama('rope.scaling.type');
  const older = llama('rope.scale_linear');
  if (type !== undefined && type !== 'none')
    return { rope_scaling: { rope_type: type, factor: shortFloat(llama('rope.scaling.factor') ?? older) } };
  return type === undefined && older !== undefined && older !== 1
    ? { rope_scaling: { rope_type: 'linear', factor: shortFloat(older) } }
    : {};
}

/** GGUF holds 32-bit floats: 1e-5 is stored as 0.0000099999997…; the shortest decimal that gives the same float is what was meant. */
function shortFloat(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

function checked(spec: ModelSpec, path: string): ForeignModel {
  const { width, heads, keyValueHeads, family } = spec;
  const wrong = (sentence: string): ForeignModel => ({ ok: false, sentence: `${path}: ${sentence}` });
  if (width % heads !== 0) return wrong(`expected a number of heads that divides the width ${width}, got ${heads}`);
  if (heads % keyValueHeads !== 0)
    return wrong(`expected a number of key-value heads that divides the ${heads} heads, got ${keyValueHeads}`);
  if (family === 'llama' && (width / heads) % 2 !== 0)
    return wrong(`expected an even head width for rotary positions, got ${width} / ${heads}`);
  return { ok: true, spec };
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNulls(field)]),
  );
}

function refuse(path: string, { issues: [issue] }: z.ZodError, value: unknown): ForeignModel {
  const field = issue?.path.join('.') ?? '';
  const came = issue?.path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[name] : undefined,
    value,
  );
  const expected = issue?.code === 'invalid_value' ? issue.values.map(String).join(' or ') : (issue?.message ?? '');
  return {
    ok: false,
    sentence: `${path}: expected ${field || 'a mapping'} to be ${expected}; got ${came === undefined ? 'nothing' : JSON.stringify(came).slice(0, 80)}`,
  };
}
