import type { ModelSpec } from './stage-spec.ts';

/** Parameters of a decoder, by what they are for. */
export interface ParameterCount {
  /** All, a tied head counted once. */
  readonly parameters: number;
  /** Without token embeddings, position embeddings and head: the x of the scale test, the same whether the head is tied or not. */
  readonly scaleParameters: number;
}

export function countParameters(model: ModelSpec): ParameterCount {
  const { width, layers, vocabulary, family } = model;
  const { attention, inner } = blockParameters(model);
  const head = vocabulary * width;
  const positions = family === 'gpt2' ? model.context * width : 0;
  const finalNorm = family === 'gpt2' ? 2 * width : width;
  const scaleParameters = layers * (attention + inner) + finalNorm;
  return { parameters: scaleParameters + head + positions + (model.tiedHead ? 0 : head), scaleParameters };
}

/** The two halves of a block, each with its norm. */
export function blockParameters(model: ModelSpec): { readonly attention: number; readonly inner: number } {
  const { family, width, feedForward } = model;
  if (family === 'gpt2') {
    return {
      attention: width * 3 * width + 3 * width + width * width + width + 2 * width,
      inner: width * feedForward + feedForward + feedForward * width + width + 2 * width,
    };
  }
  return {
    attention: width * queryKeyValueWidth(model) + width * width + width,
    inner: 3 * width * feedForward + width,
  };
}

/** Floats of one token's queries, keys and values. */
export function queryKeyValueWidth({ width, heads, keyValueHeads }: ModelSpec): number {
  return width + 2 * (width / heads) * keyValueHeads;
}
