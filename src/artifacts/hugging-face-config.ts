import type { ModelSpec } from '../experiment/stage-spec.ts';

/** `config.json` of a model of this spec, as Transformers reads it. Ids of special tokens are the tokenizer's matter and null here. */
export function huggingFaceConfig(model: ModelSpec): Readonly<Record<string, unknown>> {
  const shared = {
    vocab_size: model.vocabulary,
    initializer_range: model.initialRange,
    tie_word_embeddings: model.tiedHead,
    torch_dtype: 'float32',
    bos_token_id: null,
    eos_token_id: null,
  };
  if (model.family === 'gpt2') {
    return {
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      n_layer: model.layers,
      n_embd: model.width,
      n_head: model.heads,
      n_inner: model.feedForward,
      n_positions: model.context,
      layer_norm_epsilon: model.normEpsilon,
      activation_function: 'gelu_new',
      attn_pdrop: 0,
      embd_pdrop: 0,
      resid_pdrop: 0,
      ...shared,
    };
  }
  return {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: model.layers,
    hidden_size: model.width,
    num_attention_heads: model.heads,
    num_key_value_heads: model.keyValueHeads,
    head_dim: model.width / model.heads,
    intermediate_size: model.feedForward,
    max_position_embeddings: model.context,
    rms_norm_eps: model.normEpsilon,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    rope_theta: model.ropeBase,
    ...(model.ropeScaling && { rope_scaling: ropeScaling(model.ropeScaling) }),
    ...shared,
  };
}

function ropeScaling(scaling: NonNullable<ModelSpec['ropeScaling']>): Readonly<Record<string, unknown>> {
  if (scaling.kind === 'linear') return { rope_type: 'linear', factor: scaling.factor };
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalContext,
  };
}
