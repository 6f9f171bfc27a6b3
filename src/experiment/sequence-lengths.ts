import { canonicalJson } from './canonical-json.ts';
import { rowsOf } from './example-part.ts';
import { parsePolicyGrammarRecipe } from './parse-recipe.ts';
import { EXAMPLE_TOKENS, POLICY_GRAMMAR } from './policy-grammar-recipe.ts';
import type { DataRecipe } from './stage-spec.ts';
import { isTextKind, parseTextRecipe } from './text-recipe.ts';

/** How long the examples of a dataset are, in tokens. */
export interface SequenceLengths {
  readonly rows: number;
  /** Means; the end token belongs to the response. */
  readonly prompt: number;
  readonly response: number;
  /** Longest prompt and response together: what memory is planned for. */
  readonly longest: number;
}

/** Lengths of texts that somebody has drawn and tokenized, by `lengthsKey`. */
export type KnownLengths = ReadonlyMap<string, SequenceLengths>;

/** Datasets that differ in their seed alone have about the same lengths: one of them is tokenized for a price. */
export function lengthsKey(recipe: DataRecipe): string {
  return canonicalJson({ ...recipe, seed: 0 });
}

/** Exact for the grammar. Texts that nobody has tokenized are guessed from the longest that their recipe allows. */
export function lengthsOf(recipe: DataRecipe, known?: KnownLengths): SequenceLengths {
  if (isTextKind(recipe.kind)) return known?.get(lengthsKey(recipe)) ?? guessTexts(recipe);
  const parsed = parsePolicyGrammarRecipe(recipe);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return {
    rows: rowsOf(parsed.recipe.parts),
    prompt: POLICY_GRAMMAR.promptTokens,
    response: POLICY_GRAMMAR.responseTokens,
    longest: EXAMPLE_TOKENS,
  };
}

function guessTexts(recipe: DataRecipe): SequenceLengths {
  const parsed = parseTextRecipe(recipe);
  if (!parsed.ok) throw new Error(parsed.sentence);
  const { parts, maxTokens } = parsed.recipe;
  return { rows: rowsOf(parts), prompt: maxTokens / 2, response: maxTokens / 8, longest: maxTokens };
}
