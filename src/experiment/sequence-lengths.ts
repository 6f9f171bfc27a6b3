import { rowsOf } from './example-part.ts';
import type { SourceStatistics, TextStatistics } from './input-catalog.ts';
import { parsePolicyGrammarRecipe } from './parse-recipe.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR } from './policy-grammar-recipe.ts';
import type { DataRecipe } from './stage-spec.ts';
import { isTextKind, parseTextRecipe, type TextPart, type TextRecipe } from './text-recipe.ts';

/** How long the examples of a dataset are, in tokens: exact for the grammar, estimated for texts, which are not tokenized to make a price. */
export interface SequenceLengths {
  readonly rows: number;
  /** Means; the end token belongs to the response. */
  readonly prompt: number;
  readonly response: number;
  /** Longest prompt and response together: what memory is planned for. */
  readonly longest: number;
}

/** Statistics of sources by digest. */
export type KnownSources = ReadonlyMap<string, SourceStatistics>;

/** English takes four characters a token or a little more in the vocabularies of GPT-2, LLaMA and SmolLM2. */
const CHARACTERS_PER_TOKEN = 4;
/** Names of the roles and the instruction around a prompt. */
const TEMPLATE_TOKENS = 24;

export function lengthsOf(recipe: DataRecipe, known: KnownSources = new Map()): SequenceLengths {
  if (isTextKind(recipe.kind)) return lengthsOfTexts(recipe, known);
  const parsed = parsePolicyGrammarRecipe(recipe);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return {
    rows: rowsOf(parsed.recipe.parts),
    prompt: POLICY_GRAMMAR.promptTokens,
    response: POLICY_GRAMMAR.responseTokens,
    longest: EXAMPLE_TOKENS,
  };
}

function lengthsOfTexts(written: DataRecipe, known: KnownSources): SequenceLengths {
  const parsed = parseTextRecipe(written);
  if (!parsed.ok) throw new Error(parsed.sentence);
  const { recipe } = parsed;
  const rows = rowsOf(recipe.parts);
  const mean = (tokens: (of: TextStatistics | undefined) => number) =>
    recipe.parts.reduce((sum, part) => sum + part.count * tokens(statisticsOf(recipe, part, known)), 0) / rows;
  const prompt = mean((of) =>
    of ? TEMPLATE_TOKENS + of.promptCharacters / CHARACTERS_PER_TOKEN : recipe.maxTokens / 2,
  );
  const response = mean((of) => (of ? 1 + of.responseCharacters / CHARACTERS_PER_TOKEN : recipe.maxTokens / 8));
  const excess = Math.max(1, (prompt + response) / recipe.maxTokens);
  return { rows, prompt: prompt / excess, response: response / excess, longest: recipe.maxTokens };
}

function statisticsOf(
  recipe: TextRecipe,
  { class: exampleClass }: TextPart,
  known: KnownSources,
): TextStatistics | undefined {
  if (recipe.kind === 'jsonl') return known.get(recipe.sources.jsonl)?.[exampleClass];
  if (exampleClass === 'task') return known.get(recipe.sources.gsm8k)?.[recipe.taskAnswer];
  return known.get(recipe.sources.bbq)?.[exampleClass];
}
