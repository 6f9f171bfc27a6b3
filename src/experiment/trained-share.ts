import { blockParameters, countParameters, queryKeyValueWidth } from './model-size.ts';
import type { LoraTarget, ModelSpec, Tuning } from './stage-spec.ts';

/** What a kind of tuning trains, for prices. */
export interface TrainedShare {
  /** Parameters with gradients and moments. */
  readonly parameters: number;
  /** Blocks that gradients go through. */
  readonly blocks: number;
  /** Whether frozen matrices get no gradient of their own: then a backward pass costs as much as a forward one, otherwise twice. */
  readonly frozenBelow: boolean;
}

export function trainedShare(model: ModelSpec, tuning: Tuning | undefined): TrainedShare {
  const { layers, width, vocabulary } = model;
  if (tuning === undefined)
    return { parameters: countParameters(model).parameters, blocks: layers, frozenBelow: false };
  // A tied head is the token table too, and learns from both: gradients go down to the embeddings.
  const { tiedHead } = model;
  if (tuning.kind === 'head')
    return { parameters: vocabulary * width, blocks: tiedHead ? layers : 0, frozenBelow: tiedHead };
  const { attention, inner } = blockParameters(model);
  if (tuning.kind === 'top-block') return { parameters: attention + inner, blocks: 1, frozenBelow: false };
  const sides = tuning.targets.reduce((sum, target) => sum + sidesOf(model, target), 0);
  return { parameters: layers * tuning.rank * sides, blocks: layers, frozenBelow: true };
}

/** Rows plus columns of a matrix, over all of a block that bear the name: what an adapter of rank 1 holds. */
function sidesOf(model: ModelSpec, target: LoraTarget): number {
  const { width, feedForward } = model;
  const grouped = (queryKeyValueWidth(model) - width) / 2;
  const sides: Readonly<Record<LoraTarget, number>> = {
    q_proj: 2 * width,
    k_proj: width + grouped,
    v_proj: width + grouped,
    o_proj: 2 * width,
    gate_proj: width + feedForward,
    up_proj: width + feedForward,
    down_proj: width + feedForward,
    c_attn: 4 * width,
    c_proj: 2 * width + (feedForward + width),
    c_fc: width + feedForward,
  };
  return sides[target];
}
