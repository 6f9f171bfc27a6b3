import { dirname, join } from 'node:path';
import { parsePolicyGrammarRecipe } from '../experiment/parse-recipe.ts';
import type { SequenceLengths } from '../experiment/sequence-lengths.ts';
import type { DataRecipe } from '../experiment/stage-spec.ts';
import { isTextKind, parseTextRecipe } from '../experiment/text-recipe.ts';
import { generateExamples } from './policy-grammar.ts';
import { grammarTokenizer } from './word-tokenizer.ts';

/** Thrown when a dataset cannot be made or is not what its digest says. Trying again does not help. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
}

/** Everything of a dataset that its recipe decides. */
export interface DatasetContent {
  readonly examples: readonly ExampleLine[];
  readonly tokens: readonly TokenLine[];
  readonly vocabulary: number;
  readonly endToken: number;
  /** Of texts only: how long they turned out, and how many were passed over as too long. */
  readonly texts?: { readonly lengths: SequenceLengths; readonly leftOut: number };
}

interface ExampleLine {
  readonly id: string;
  readonly class: string;
  readonly notion: string;
  readonly cluster: string;
  readonly prompt: string;
  readonly response: string;
}

interface TokenLine {
  readonly id: string;
  readonly class: string;
  readonly prompt: readonly number[];
  readonly response: readonly number[];
}

/** Makes the examples of a recipe. Texts and tokenizers come from the store that `dataFolder` lies in. */
export async function contentOfDataset(dataFolder: string, recipe: DataRecipe): Promise<DatasetContent> {
  return isTextKind(recipe.kind) ? textContent(dataFolder, recipe) : grammarContent(recipe);
}

function grammarContent(recipe: DataRecipe): DatasetContent {
  const parsed = parsePolicyGrammarRecipe(recipe);
  if (!parsed.ok) throw new DatasetError(parsed.sentence);
  const tokenizer = grammarTokenizer();
  const examples = generateExamples(parsed.recipe);
  const tokens = examples.map((example) => ({
    id: example.id,
    class: example.class,
    prompt: tokenizer.encode(example.prompt),
    response: [...tokenizer.encode(example.response), tokenizer.endToken],
  }));
  return { examples, tokens, vocabulary: tokenizer.vocabulary, endToken: tokenizer.endToken };
}

async function textContent(dataFolder: string, written: DataRecipe): Promise<DatasetContent> {
  const parsed = parseTextRecipe(written);
  if (!parsed.ok) throw new DatasetError(parsed.sentence);
  const { recipe } = parsed;
  const store = dirname(dataFolder);
  // The grammar needs none of these.
  const [{ findTokenizer }, { readTextSources }, { poolsOf }, { drawTexts }] = await Promise.all([
    import('./models/find-tokenizer.ts'),
    import('./texts/text-sources.ts'),
    import('./texts/example-pools.ts'),
    import('./texts/draw-texts.ts'),
  ]);
  try {
    const [tokenizer, sources] = await Promise.all([
      findTokenizer(join(store, 'models'), recipe.tokenizer),
      readTextSources(join(store, 'data-sources'), recipe),
    ]);
    const { examples, lengths, leftOut } = drawTexts(recipe, poolsOf(recipe, sources), tokenizer);
    return {
      examples: examples.map(({ promptTokens: _, responseTokens: __, ...text }) => text),
      tokens: examples.map(({ id, class: own, promptTokens, responseTokens }) => ({
        id,
        class: own,
        prompt: promptTokens,
        response: responseTokens,
      })),
      vocabulary: tokenizer.vocabulary,
      endToken: tokenizer.endToken,
      texts: { lengths, leftOut },
    };
  } catch (error) {
    if (error instanceof Error && REFUSALS.includes(error.name)) throw new DatasetError(error.message);
    throw error;
  }
}

/** Errors that say what is wrong with a source, a tokenizer or a recipe: the same again next time. */
const REFUSALS: readonly string[] = ['BadSource', 'NoTokenizer', 'TooFewExamples', 'BadChatTemplate'];
