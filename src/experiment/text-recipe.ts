import { z } from 'zod';
import { SPLITS, type Split } from './example-part.ts';
import { type ReadRecipe, readRecipe } from './read-recipe.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from './stage-spec.ts';

/**
 * Datasets of real texts: which examples of which sources, in which form, by whose tokenizer. The sources and the tokenizer stand by their digests,
 * so a plan needs no data to be built; src/data/texts builds them.
 */
export const TEXT_KINDS = ['bbq-gsm8k', 'jsonl'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** Version of the mixing and of the prompts; other bytes from the same recipe need another. */
export const TEXT_VERSION = 1;

export const TASK_ANSWERS = ['final', 'worked'] as const;
/** `final`: the number alone. `worked`: the solution with it. */
export type TaskAnswer = (typeof TASK_ANSWERS)[number];

export type TextPart = { readonly class: ExampleClass; readonly split: Split; readonly count: number };

interface TextFields {
  readonly version: 1;
  readonly seed: number;
  /** Digest of the tokenizer's files, chat template among them. */
  readonly tokenizer: string;
  /** Longer examples (prompt and response) are left out, never cut. */
  readonly maxTokens: number;
  readonly parts: readonly TextPart[];
}

/** Unsafe and safe examples from BBQ, task examples from GSM8K. */
export type BbqGsm8kRecipe = TextFields & {
  readonly kind: 'bbq-gsm8k';
  readonly sources: { readonly bbq: string; readonly gsm8k: string };
  /** Share of each category's question indices whose items are unsafe. */
  readonly unsafeShare: number;
  readonly taskAnswer: TaskAnswer;
};

/** Examples with classes of their own. */
export type JsonlRecipe = TextFields & {
  readonly kind: 'jsonl';
  readonly sources: { readonly jsonl: string };
  readonly notion: string;
};

export type TextRecipe = BbqGsm8kRecipe | JsonlRecipe;

/** The notion that the contrast is about, where the sources say none. */
export const BBQ_NOTION = 'bias';

export function notionOf(recipe: TextRecipe): string {
  return recipe.kind === 'jsonl' ? recipe.notion : BBQ_NOTION;
}

export function isTextKind(kind: unknown): kind is TextKind {
  return TEXT_KINDS.some((known) => known === kind);
}

const digest = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a digest of 64 hex digits' });

const FIELDS = {
  version: z.literal(TEXT_VERSION),
  seed: z.int().min(0),
  tokenizer: digest,
  maxTokens: z.int().min(8),
  parts: z
    .array(z.strictObject({ class: z.enum(EXAMPLE_CLASSES), split: z.enum(SPLITS), count: z.int().min(1) }))
    .min(1),
};

const RECIPE = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('bbq-gsm8k'),
    ...FIELDS,
    sources: z.strictObject({ bbq: digest, gsm8k: digest }),
    unsafeShare: z.number().gt(0).lt(1),
    taskAnswer: z.enum(TASK_ANSWERS),
  }),
  z.strictObject({
    kind: z.literal('jsonl'),
    ...FIELDS,
    sources: z.strictObject({ jsonl: digest }),
    notion: z.string().min(1),
  }),
]);

/** A recipe as it comes out of a run.json, checked. */
export function parseTextRecipe(recipe: unknown): ReadRecipe<TextRecipe> {
  return readRecipe(RECIPE, recipe, `a recipe of kind ${TEXT_KINDS.join(' or ')}, version ${TEXT_VERSION}`);
}
