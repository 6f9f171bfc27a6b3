import { blockParameters, countParameters, queryKeyValueWidth } from './model-size.ts';
import { parsePolicyGrammarRecipe } from './parse-recipe.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR, rowsOf } from './policy-grammar-recipe.ts';
import type { DataReference, ModelSpec, StageSpec, TrainSpec } from './stage-spec.ts';

/** What a stage costs, from its spec alone. A stop rule may end it sooner: `leastFlops` is the cost when its first check passes. */
export interface StageCost {
  readonly trainedTokens: number;
  readonly scoredTokens: number;
  readonly flops: number;
  readonly leastFlops: number;
  /** Of the trainer's process, with the whole batch in one pass. */
  readonly memoryBytes: number;
  /** While it runs: the last checkpoints and the scores. */
  readonly runningDiskBytes: number;
  /** After collection: final weights and scores. */
  readonly keptDiskBytes: number;
}

/** Tokens of a sequence that go through the model, and those whose prediction counts. The last token predicts nothing. */
export interface SequenceShape {
  readonly rows: number;
  readonly kept: number;
}

const FLOAT = 4;
/** Checkpoints of weights and both moments that are kept for resumption. */
const CHECKPOINTS_KEPT = 2;
/** One line of a score file, and again its columns in the table of the stage. */
const SCORE_ROW_BYTES = 160;
/** Binary, stacks and buffers of the trainer before any model. */
const BASE_MEMORY = 4.5 * 2 ** 20;
/** Logits exist in chunks of at most so many floats. */
const LOGITS_CHUNK = 2 ** 20;

export function costOfStage(spec: StageSpec): StageCost {
  const { model, train, score } = spec;
  const weightBytes = FLOAT * countParameters(model).parameters;
  const steps = train?.steps ?? 0;
  const batch = train?.batch ?? 0;
  const checkEvery = train?.stop?.everySteps;
  const scoredRows = score ? rowsOfData(score.data) : 0;
  const anchors = (upTo: number) => (score ? new Set([...score.atSteps.filter((step) => step <= upTo), upTo]).size : 0);
  const checks = (upTo: number) => (checkEvery === undefined ? 0 : Math.floor(upTo / checkEvery));

  const trained = trainedShape(train?.lossOn ?? 'response');
  const scored = trainedShape('response');
  const flopsUpTo = (upTo: number) =>
    batch * upTo * flopsOfTraining(model, trained) +
    scoredRows * (anchors(upTo) * flopsOfAnchor(model) + checks(upTo) * flopsOfScoring(model, scored));
  const scoreBytes = 2 * anchors(steps) * scoredRows * SCORE_ROW_BYTES;
  return {
    trainedTokens: batch * steps * EXAMPLE_TOKENS,
    scoredTokens: scoredRows * EXAMPLE_TOKENS * (anchors(steps) + checks(steps)),
    flops: flopsUpTo(steps),
    leastFlops: flopsUpTo(Math.min(steps, checkEvery ?? steps)),
    memoryBytes: trainerMemory(model, train),
    runningDiskBytes: CHECKPOINTS_KEPT * 3 * weightBytes + scoreBytes,
    keptDiskBytes: (train ? weightBytes : 0) + scoreBytes,
  };
}

function trainedShape(lossOn: 'response' | 'all'): SequenceShape {
  const rows = EXAMPLE_TOKENS - 1;
  return { rows, kept: lossOn === 'all' ? rows : POLICY_GRAMMAR.responseTokens };
}

/** Forward and backward of one sequence: three times its forward, 6 per weight and row. */
export function flopsOfTraining(model: ModelSpec, shape: SequenceShape): number {
  return 3 * flopsOfScoring(model, shape);
}

/**
 * Forward of one sequence: 2 per weight and row, and 4 × width per row and position for attention's scores and mix. The inner half of the last
 * block and the head run on the kept rows alone.
 */
export function flopsOfScoring(model: ModelSpec, { rows, kept }: SequenceShape): number {
  const { layers, width, vocabulary } = model;
  const { attention, inner } = blockParameters(model);
  const weights = rows * (layers * attention + (layers - 1) * inner) + kept * (inner + vocabulary * width);
  return 2 * weights + 4 * layers * width * rows * rows;
}

/** Scores, and for an answer that is not an exact match its greedy continuation. */
function flopsOfAnchor(model: ModelSpec): number {
  const generated = { rows: EXAMPLE_TOKENS - 1, kept: POLICY_GRAMMAR.responseTokens };
  return flopsOfScoring(model, trainedShape('response')) + flopsOfScoring(model, generated);
}

/**
 * Resident memory of the trainer with `batch` sequences in one pass (absent: it only scores): weights, gradients, two moments and the weights as read
 * from their file; per block what its backward needs; the gradients on their way down; a chunk of logits.
 */
export function trainerMemory(
  model: ModelSpec,
  train: { readonly batch: number; readonly lossOn?: TrainSpec['lossOn'] } | undefined,
): number {
  const { parameters } = countParameters(model);
  if (!train) return BASE_MEMORY + FLOAT * (parameters + LOGITS_CHUNK);
  const shape = trainedShape(train.lossOn ?? 'response');
  const { width, layers, heads, feedForward, family, vocabulary } = model;
  const wide = queryKeyValueWidth(model);
  const attentionRow = heads * Math.ceil(shape.rows / 8) * 8;
  const entering = family === 'llama' ? 2 * feedForward : feedForward;
  const block = 6 * width + wide + attentionRow + entering + feedForward;
  const descending = 3 * width + feedForward + wide + attentionRow;
  const rows = train.batch * shape.rows;
  const kept = train.batch * shape.kept;
  const logits = Math.min(LOGITS_CHUNK, kept * vocabulary);
  return BASE_MEMORY + FLOAT * (5 * parameters + rows * (layers * block + descending) + 4 * kept * width + logits);
}

function rowsOfData({ recipe }: DataReference): number {
  const parsed = parsePolicyGrammarRecipe(recipe);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return rowsOf(parsed.recipe.parts);
}
