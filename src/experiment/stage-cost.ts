import { countParameters } from './model-size.ts';
import { parsePolicyGrammarRecipe } from './parse-recipe.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR, rowsOf } from './policy-grammar-recipe.ts';
import type { DataReference, ModelSpec, ScoreSpec, StageSpec, TrainSpec } from './stage-spec.ts';

/** What a stage costs, from its spec alone. A stop rule may end it sooner: `least…` is the cost when its first check passes. */
export interface StageCost {
  readonly trainedTokens: number;
  readonly scoredTokens: number;
  readonly flops: number;
  readonly leastFlops: number;
  /** Of the trainer's process, with the whole batch in one pass. */
  readonly memoryBytes: number;
  /** While it runs: the last checkpoints, those of anchors not yet scored, and scores. */
  readonly runningDiskBytes: number;
  /** After collection: final weights and scores. */
  readonly keptDiskBytes: number;
}

const FLOAT = 4;
/** Binary, thread stacks and workspaces of the products, before any model. */
const BASE_MEMORY = 48 * 2 ** 20;
/** Checkpoints of weights and both moments that are kept for resumption. */
const CHECKPOINTS_KEPT = 2;
/** One line of a score file and its columns in the table of the stage. */
const SCORE_ROW_BYTES = 160;

export function costOfStage(spec: StageSpec): StageCost {
  const { model, train, score } = spec;
  const { parameters } = countParameters(model);
  const steps = train?.steps ?? 0;
  const leastSteps = train?.stop ? Math.min(steps, train.stop.everySteps) : steps;
  const scoredRows = score ? rowsOfData(score.data) : 0;
  const anchors = (upTo: number) => (score ? new Set([...score.atSteps.filter((step) => step <= upTo), upTo]).size : 0);
  const trainedTokens = (train?.batch ?? 0) * steps * EXAMPLE_TOKENS;
  const checks = train?.stop ? Math.floor(steps / train.stop.everySteps) : 0;

  const trainFlops = (upTo: number) => (train?.batch ?? 0) * upTo * flopsOfTraining(model, EXAMPLE_TOKENS);
  const scoreFlops = (passes: number, checked: number) =>
    score ? scoredRows * (passes * flopsOfAnchor(model, score) + checked * flopsOfScoring(model, EXAMPLE_TOKENS)) : 0;

  const weightBytes = FLOAT * parameters;
  const scoreBytes = anchors(steps) * scoredRows * SCORE_ROW_BYTES;
  return {
    trainedTokens,
    scoredTokens: scoredRows * EXAMPLE_TOKENS * (anchors(steps) + checks),
    flops: trainFlops(steps) + scoreFlops(anchors(steps), checks),
    leastFlops: trainFlops(leastSteps) + scoreFlops(anchors(leastSteps), Math.min(1, checks)),
    memoryBytes: trainerMemory(model, train),
    runningDiskBytes: CHECKPOINTS_KEPT * 3 * weightBytes + 2 * scoreBytes,
    keptDiskBytes: (train ? weightBytes : 0) + 2 * scoreBytes,
  };
}

/** Forward and backward of one sequence: 6 per weight and token, and the products of attention with its own length. */
export function flopsOfTraining(model: ModelSpec, tokens: number): number {
  return 3 * flopsOfScoring(model, tokens);
}

/** Forward of one sequence: 2 per weight and token; scores and mix of attention 4 × width per token and position. */
export function flopsOfScoring(model: ModelSpec, tokens: number): number {
  return tokens * (2 * countParameters(model).multiplied + 4 * model.layers * model.width * tokens);
}

function flopsOfAnchor(model: ModelSpec, score: ScoreSpec): number {
  const generated = POLICY_GRAMMAR.promptTokens + Math.min(score.maxNewTokens, POLICY_GRAMMAR.responseTokens);
  return flopsOfScoring(model, EXAMPLE_TOKENS) + flopsOfScoring(model, generated);
}

/** Weights, gradients and both moments; the activations that the backward pass needs; the logits of one pass and their gradient. */
export function trainerMemory(model: ModelSpec, train: Pick<TrainSpec, 'batch'> | undefined): number {
  const { parameters } = countParameters(model);
  const tokens = (train?.batch ?? 1) * EXAMPLE_TOKENS;
  const activations = tokens * (model.layers * activationsPerToken(model) + 4 * model.width);
  const logits = 2 * tokens * model.vocabulary;
  return BASE_MEMORY + FLOAT * ((train ? 4 : 1) * parameters + activations + logits);
}

/** Floats that one block keeps for one token: two normed inputs, query, key, value, attention's rows and mix, the residual, the inner layer twice. */
function activationsPerToken({ width, heads, keyValueHeads, feedForward, family }: ModelSpec): number {
  const keyValueWidth = (width / heads) * keyValueHeads;
  const inner = family === 'llama' ? 3 * feedForward : 2 * feedForward;
  return 6 * width + 2 * keyValueWidth + heads * EXAMPLE_TOKENS + inner;
}

function rowsOfData({ recipe }: DataReference): number {
  const parsed = parsePolicyGrammarRecipe(recipe);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return rowsOf(parsed.recipe.parts);
}
