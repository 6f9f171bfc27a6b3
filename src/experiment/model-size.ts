import type { ModelSpec } from './stage-spec.ts';

/** Parameters of a decoder, by what they are for. */
export interface ParameterCount {
  /** All, a tied head counted once. */
  readonly parameters: number;
  /** Without token embeddings, position embeddings and head: the x of the scale test, the same whether the head is tied or not. */
  readonly scaleParameters: number;
  /** Weights that each token is multiplied with: the blocks and the head. */
  readonly multiplied: number;
}

export function countParameters(model: ModelSpec): ParameterCount {
  const { width, layers, feedForward, vocabulary } = model;
  const head = vocabulary * width;
  const positions = model.family === 'gpt2' ? model.context * width : 0;
  const finalNorm = model.family === 'gpt2' ? 2 * width : width;
  const scaleParameters = layers * blockParameters(model, feedForward) + finalNorm;
  return {
    parameters: scaleParameters + head + positions + (model.tiedHead ? 0 : head),
    scaleParameters,
    multiplied: scaleParameters + head,
  };
}

function blockParameters({ family, width, heads, keyValueHeads }: ModelSpec, feedForward: number): number {
  if (family === 'gpt2') {
    const attention = width * 3 * width + 3 * width + width * width + width;
    const inner = width * feedForward + feedForward + feedForward * width + width;
    return attention + inner + 4 * width;
  }
  const keyValueWidth = (width / heads) * keyValueHeads;
  return 2 * width * width + 2 * width * keyValueWidth + 3 * width * feedForward + 2 * width;
}
