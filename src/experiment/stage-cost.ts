import { blockParameters, countParameters, queryKeyValueWidth } from './model-size.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR } from './policy-grammar-recipe.ts';
import { cacheMemory, rowsOfScoringPass, type ScoredRows } from './scoring-memory.ts';
import { type KnownLengths, lengthsOf, type SequenceLengths } from './sequence-lengths.ts';
import type { FrozenForm, ModelSpec, StageSpec, TrainSpec, Tuning } from './stage-spec.ts';
import { trainedShare } from './trained-share.ts';

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
/** Attention runs over so many queries at once on each thread (native/src/ops/cpu/ops.h). */
const QUERY_BLOCK = 48;
const THREADS = 2;
/** Rows of a stored matrix that are widened at once (native/src/model/stored_matrix.h). */
const PANEL_ROWS = 7680;
/** Measured: models wider than this hold about so much more than is counted here, in buffers of products and in the heap. */
const WIDTH_WITHOUT_BUFFERS = 64;
const BUFFERS_MEMORY = 3.5 * 2 ** 20;
const GRAMMAR_LENGTHS = {
  prompt: POLICY_GRAMMAR.promptTokens,
  response: POLICY_GRAMMAR.responseTokens,
  longest: EXAMPLE_TOKENS,
};

/** `known`: lengths of the texts, where somebody has tokenized them. */
export function costOfStage(spec: StageSpec, known?: KnownLengths): StageCost {
  const { model, train, score } = spec;
  const weightBytes = FLOAT * countParameters(model).parameters;
  const steps = train?.steps ?? 0;
  const batch = train?.batch ?? 0;
  const checkEvery = train?.stop?.everySteps;
  const trainedLengths = train && lengthsOf(train.data.recipe, known);
  const scoredLengths = score && lengthsOf(score.data.recipe, known);
  const scoredRows = scoredLengths?.rows ?? 0;
  const anchors = (upTo: number) => (score ? new Set([...score.atSteps.filter((step) => step <= upTo), upTo]).size : 0);
  const checks = (upTo: number) => (checkEvery === undefined ? 0 : Math.floor(upTo / checkEvery));

  const trainingOne = trainedLengths ? flopsOfTraining(model, shapeOf(trainedLengths, train.lossOn), train.tuning) : 0;
  const scoringOne = scoredLengths ? flopsOfScoring(model, shapeOf(scoredLengths, 'response')) : 0;
  // Beside the score, the greedy continuation of an answer that is not an exact match.
  const anchorOne = 2 * scoringOne;
  const flopsUpTo = (upTo: number) =>
    batch * upTo * trainingOne + scoredRows * (anchors(upTo) * anchorOne + checks(upTo) * scoringOne);
  const scoreBytes = 2 * anchors(steps) * scoredRows * SCORE_ROW_BYTES;
  return {
    trainedTokens: Math.round(batch * steps * tokensOf(trainedLengths)),
    scoredTokens: Math.round(scoredRows * tokensOf(scoredLengths) * (anchors(steps) + checks(steps))),
    flops: flopsUpTo(steps),
    leastFlops: flopsUpTo(Math.min(steps, checkEvery ?? steps)),
    memoryBytes: trainerMemory(
      model,
      train,
      trainedLengths,
      scoredLengths && { lengths: scoredLengths, maxNewTokens: score.maxNewTokens },
    ),
    runningDiskBytes: CHECKPOINTS_KEPT * checkpointBytes(model, train?.tuning) + scoreBytes,
    keptDiskBytes: (train ? weightBytes : 0) + scoreBytes,
  };
}

/** A checkpoint: what is trained, and both moments of it. */
export function checkpointBytes(model: ModelSpec, tuning?: Tuning): number {
  return 3 * FLOAT * trainedShare(model, tuning).parameters;
}

function tokensOf(lengths: SequenceLengths | undefined): number {
  return lengths ? lengths.prompt + lengths.response : 0;
}

function shapeOf(
  { prompt, response }: Pick<SequenceLengths, 'prompt' | 'response'>,
  lossOn: TrainSpec['lossOn'],
): SequenceShape {
  const rows = prompt + response - 1;
  return { rows, kept: lossOn === 'all' ? rows : response };
}

/**
 * Forward and backward of one sequence. All of a model: three times its forward, 6 per weight and row. Adapters: twice, as frozen matrices only pass
 * gradients on. The top block or the head: the forward, and twice the part that gradients reach.
 */
export function flopsOfTraining(model: ModelSpec, shape: SequenceShape, tuning?: Tuning): number {
  const { blocks, frozenBelow } = trainedShare(model, tuning);
  const forward = flopsOfScoring(model, shape);
  if (frozenBelow) return 2 * forward;
  return forward + 2 * flopsOfScoring({ ...model, layers: blocks }, shape);
}

/**
 * Forward of one sequence: 2 per weight and row, and 4 × width per row and position for attention's scores and mix. The inner half of the last
 * block and the head run on the kept rows alone.
 */
export function flopsOfScoring(model: ModelSpec, { rows, kept }: SequenceShape): number {
  const { layers, width, vocabulary } = model;
  const { attention, inner } = blockParameters(model);
  const blocks = layers === 0 ? 0 : rows * (layers * attention + (layers - 1) * inner) + kept * inner;
  const weights = blocks + kept * vocabulary * width;
  return 2 * weights + 4 * layers * width * rows * rows;
}

/**
 * Resident memory of the trainer with `batch` sequences in one pass (absent: it only scores): weights; gradients and two moments of what is trained; of each
 * block that gradients go through its input and the products in it; what all blocks use in turn; a chunk of logits, or in its place the gradients
 * on their way down. With `scored`: keys and values of the prompts that are continued.
 */
export function trainerMemory(
  model: ModelSpec,
  train:
    | {
        readonly batch: number;
        readonly lossOn?: TrainSpec['lossOn'];
        readonly tuning?: Tuning;
        readonly frozenWeights?: FrozenForm;
      }
    | undefined,
  lengths: Pick<SequenceLengths, 'prompt' | 'response' | 'longest'> = GRAMMAR_LENGTHS,
  scored?: ScoredRows,
): number {
  const { parameters } = countParameters(model);
  const cache = scored ? cacheMemory(model, scored) : 0;
  if (!train) return frozenMemory(model, scored) + cache;
  // Batches are packed without padding: rows by the mean length, but never fewer than the longest sequence has.
  const mean = shapeOf(lengths, train.lossOn ?? 'response');
  const { width, feedForward, family, vocabulary } = model;
  const { tuning } = train;
  const trained = trainedShare(model, tuning);
  const wide = queryKeyValueWidth(model);
  const block = 2 * width + wide + (family === 'llama' ? 2 * feedForward : feedForward);
  const inTurn = 4 * width + feedForward;
  const rows = Math.max(train.batch * mean.rows, lengths.longest - 1);
  const kept = train.batch * mean.kept;
  const logits = Math.min(kept, chunkRows(vocabulary)) * vocabulary;
  const attention = THREADS * 2 * QUERY_BLOCK * Math.ceil((lengths.longest - 1) / 8) * 8;
  const adapters = tuning?.kind === 'lora' ? rows * (6 * tuning.rank + (tuning.dropout > 0 ? feedForward : 0)) : 0;
  const passing = Math.max(logits, rows * (width + wide)) + 2 * kept * width + attention + adapters;
  const fixed = parameters + 3 * trained.parameters;
  const base = BASE_MEMORY + (width > WIDTH_WITHOUT_BUFFERS ? BUFFERS_MEMORY : 0);
  const saved = train.frozenWeights === 'bf16' && tuning ? savedByBf16(model, tuning) : 0;
  return base + cache - saved + FLOAT * (fixed + rows * (Math.max(1, trained.blocks) * block + inTurn) + passing);
}

/** Bytes that frozen matrices need less as bf16: half of theirs, without the memory that a part of one is widened into when it is used. */
function savedByBf16(model: ModelSpec, tuning: Tuning): number {
  const { family, layers, width, feedForward, vocabulary, tiedHead } = model;
  const inner = (family === 'llama' ? 3 : 2) * width * feedForward;
  const block = width * queryKeyValueWidth(model) + width * width + inner;
  const table = vocabulary * width;
  const trainedBlocks = tuning.kind === 'top-block' ? 1 : 0;
  const trainsHead = tuning.kind === 'head' || tuning.kind === 'top-block';
  const tables = tiedHead ? (tuning.kind === 'head' ? 0 : 1) : trainsHead ? 1 : 2;
  const frozen = (layers - trainedBlocks) * block + tables * table;
  const gates = family === 'llama' ? 2 * feedForward : feedForward;
  const panel = Math.max(
    tables > 0 ? Math.min(PANEL_ROWS, vocabulary) * width : 0,
    family === 'llama' ? Math.min(PANEL_ROWS, gates) * width : width * gates,
    family === 'llama' ? Math.min(PANEL_ROWS, width) * feedForward : Math.min(PANEL_ROWS, feedForward) * width,
  );
  return (FLOAT / 2) * frozen - FLOAT * panel;
}

/** Weights, and what one pass that scores lays out: all blocks share one set of buffers. */
function frozenMemory(model: ModelSpec, scored: ScoredRows | undefined): number {
  const { parameters } = countParameters(model);
  const { width, feedForward, family, vocabulary } = model;
  const rows = scored ? rowsOfScoringPass(model, scored) : 0;
  const kept = scored ? Math.min(chunkRows(vocabulary), rows) : 0;
  const row = 5 * width + queryKeyValueWidth(model) + (family === 'llama' ? 3 : 2) * feedForward;
  const base = BASE_MEMORY + (width > WIDTH_WITHOUT_BUFFERS ? BUFFERS_MEMORY : 0);
  return base + FLOAT * (parameters + rows * row + kept * vocabulary);
}

/** Rows whose logits exist at once: about 4 MB of them, but never fewer than 256. */
function chunkRows(vocabulary: number): number {
  return Math.max(256, Math.floor(2 ** 20 / vocabulary / 64) * 64);
}
