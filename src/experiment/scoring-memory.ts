import { queryKeyValueWidth } from './model-size.ts';
import type { SequenceLengths } from './sequence-lengths.ts';
import type { ModelSpec } from './stage-spec.ts';

/** What a stage scores: how many rows, how long they are, and how far their prompts are continued. */
export interface ScoredRows {
  readonly lengths: Pick<SequenceLengths, 'rows' | 'prompt' | 'response' | 'longest'>;
  readonly maxNewTokens: number;
}

/** Bounds of the trainer's batches (native/src/train/length_batches.cc). */
const MOST_SEQUENCES = 64;
const MOST_TOKENS = 4096;
const LEAST_PASS_TOKENS = 512;
const PASS_FLOPS = 2e11;
const CACHE_BYTES = 2 ** 29;
const FLOAT = 4;

/** Rows of the largest pass that scores: about one length a batch, but never fewer than the longest sequence has. */
export function rowsOfScoringPass(model: ModelSpec, { lengths }: ScoredRows): number {
  const { family, layers, width, feedForward, vocabulary } = model;
  const inner = (family === 'llama' ? 3 : 2) * width * feedForward;
  const weights = layers * (4 * width * width + inner) + width * vocabulary;
  const bound = Math.min(MOST_TOKENS, Math.max(LEAST_PASS_TOKENS, Math.floor(PASS_FLOPS / (2 * weights))));
  const mean = lengths.prompt + lengths.response - 1;
  return Math.max(lengths.longest - 1, Math.min(bound, MOST_SEQUENCES * mean, lengths.rows * mean));
}

/** Bytes of the keys and values while prompts are continued. They stay until the trainer ends. */
export function cacheMemory(model: ModelSpec, { lengths, maxNewTokens }: ScoredRows): number {
  if (maxNewTokens === 0) return 0;
  const tokenBytes = FLOAT * model.layers * (queryKeyValueWidth(model) - model.width);
  const tokens = Math.min(model.context, lengths.longest + maxNewTokens);
  const bound = Math.max(MOST_TOKENS, Math.floor(CACHE_BYTES / tokenBytes));
  const sequences = Math.max(1, Math.min(MOST_SEQUENCES, lengths.rows, Math.floor(bound / tokens)));
  return sequences * Math.ceil(tokens / 8) * 8 * tokenBytes;
}
