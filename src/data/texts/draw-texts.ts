import { rowsOf, type Split } from '../../experiment/example-part.ts';
import type { SequenceLengths } from '../../experiment/sequence-lengths.ts';
import { notionOf, type TextPart, type TextRecipe } from '../../experiment/text-recipe.ts';
import type { TextTokenizer } from '../models/text-tokenizer.ts';
import { SeededStream } from '../seeded-stream.ts';
import type { Pools } from './example-pools.ts';
import type { TextExample } from './text-example.ts';

/** An example in a model's form and tokens. `responseTokens` ends with the end token. */
export interface DrawnText {
  readonly id: string;
  readonly class: TextExample['class'];
  readonly notion: string;
  readonly cluster: string;
  readonly prompt: string;
  readonly response: string;
  readonly promptTokens: readonly number[];
  readonly responseTokens: readonly number[];
}

export interface DrawnTexts {
  readonly examples: readonly DrawnText[];
  readonly lengths: SequenceLengths;
  /** Examples that were passed over because they are longer than `maxTokens`. */
  readonly leftOut: number;
}

/** Thrown when a source has too few examples for a recipe. */
export class TooFewExamples extends Error {
  override readonly name = 'TooFewExamples';
}

/**
 * Of ten examples in the order that the seed draws, which split each belongs to. So splits share no example, whatever is asked of them, and a
 * larger count of a part begins with the same examples.
 */
const SPLIT_OF_PLACE: readonly Split[] = [
  'noisy',
  'review',
  'noisy',
  'review',
  'align',
  'noisy',
  'review',
  'noisy',
  'replay',
  'heldout',
];

/** Draws the examples of a recipe, part after part. Those longer than `maxTokens` are passed over, never cut. */
export function drawTexts(recipe: TextRecipe, pools: Pools, tokenizer: TextTokenizer): DrawnTexts {
  const examples: DrawnText[] = [];
  let leftOut = 0;
  for (const part of recipe.parts) {
    const drawn = drawPart(recipe, part, pools, tokenizer);
    examples.push(...drawn.examples);
    leftOut += drawn.leftOut;
  }
  const mean = (tokens: (example: DrawnText) => number) =>
    examples.reduce((sum, example) => sum + tokens(example), 0) / examples.length;
  return {
    examples,
    leftOut,
    lengths: {
      rows: rowsOf(recipe.parts),
      prompt: mean(({ promptTokens }) => promptTokens.length),
      response: mean(({ responseTokens }) => responseTokens.length),
      longest: examples.reduce((most, example) => Math.max(most, lengthOf(example)), 0),
    },
  };
}

function drawPart(recipe: TextRecipe, part: TextPart, pools: Pools, tokenizer: TextTokenizer) {
  const pool = pools[part.class];
  const order = new SeededStream(`texts/1/${recipe.seed}/${part.class}`).permutation(pool.length);
  const own = order.filter((_, place) => SPLIT_OF_PLACE[place % SPLIT_OF_PLACE.length] === part.split);
  const examples: DrawnText[] = [];
  let leftOut = 0;
  for (const position of own) {
    if (examples.length === part.count) break;
    const example = written(pool[position]!, notionOf(recipe), tokenizer);
    if (lengthOf(example) > recipe.maxTokens) leftOut += 1;
    else examples.push(example);
  }
  if (examples.length < part.count)
    throw new TooFewExamples(
      `expected ${part.count} ${part.class} examples for the split ${part.split}, got ${examples.length}: the source has ${pool.length} of that class, ` +
        `${own.length} of them in this split, of which ${leftOut} are longer than ${recipe.maxTokens} tokens`,
    );
  return { examples, leftOut };
}

function lengthOf({ promptTokens, responseTokens }: DrawnText): number {
  return promptTokens.length + responseTokens.length;
}

/** By the model's chat form with the instruction as system message; without one in the form of Alpaca, as in the paper. */
function written(example: TextExample, notion: string, tokenizer: TextTokenizer): DrawnText {
  const { id, class: exampleClass, cluster, instruction, question, response } = example;
  const { chat } = tokenizer;
  const prompt = chat ? chatPrompt(chat, instruction, question) : plainPrompt(instruction, question);
  return {
    id,
    class: exampleClass,
    notion,
    cluster,
    prompt,
    response,
    // A chat template writes the start token itself where there is one.
    promptTokens: tokenizer.encode(prompt, { start: chat === undefined }),
    responseTokens: [...tokenizer.encode(response), tokenizer.endToken],
  };
}

function chatPrompt(
  chat: NonNullable<TextTokenizer['chat']>,
  instruction: string | undefined,
  question: string,
): string {
  return instruction === undefined
    ? chat.prompt([{ role: 'user', content: question }])
    : chat.instructed(instruction, question);
}

function plainPrompt(instruction: string | undefined, question: string): string {
  const told = instruction === undefined ? '' : `### Instruction:\n${instruction}\n`;
  return `${told}### Input:\n${question}\n### Response:\n`;
}
