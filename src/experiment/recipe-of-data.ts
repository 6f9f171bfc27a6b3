import type { ExamplePart } from './example-part.ts';
import type { DataRecipe } from './stage-spec.ts';
import type { DataChoice } from './sweep.ts';

export interface RecipeRequest {
  readonly parts: readonly ExamplePart[];
  readonly seed: number;
  /** Digest of the model's tokenizer; the grammar has one of its own. */
  readonly tokenizer: string | undefined;
}

/** All that decides the bytes of a dataset, from what a sweep chose. Requires: a tokenizer for texts, which parsing has checked. */
export function recipeOfData(data: DataChoice, { parts, seed, tokenizer }: RecipeRequest): DataRecipe {
  if (data.kind === 'policy-grammar') {
    const { kind, version, templates } = data;
    // Spelled out: a part is an interface, a recipe plain JSON.
    return { kind, version, templates, seed, parts: parts.map((part) => ({ ...part })) };
  }
  if (tokenizer === undefined)
    throw new Error(`expected a model with a tokenizer for data of kind ${data.kind}, got one without`);
  const texts = { version: data.version, seed, tokenizer, maxTokens: data.maxTokens, sources: data.sources };
  const drawn = parts.map(({ class: exampleClass, split, count }) => ({ class: exampleClass, split, count }));
  if (data.kind === 'jsonl') return { kind: data.kind, ...texts, notion: data.notion, parts: drawn };
  const { kind, unsafeShare, taskAnswer } = data;
  return { kind, ...texts, unsafeShare, taskAnswer, parts: drawn };
}
