import type { ExampleClass } from '../../experiment/stage-spec.ts';
import type { TextRecipe } from '../../experiment/text-recipe.ts';
import { SeededStream } from '../seeded-stream.ts';
import { type BbqItem, readBbq, safeExample, unsafeExample } from './bbq.ts';
import { readGsm8k, taskExample } from './gsm8k.ts';
import { readJsonl } from './jsonl.ts';
import type { TextExample } from './text-example.ts';

/** Files with rows of one source, in order. */
export type RowFiles = readonly { readonly name: string; readonly content: string }[];

export type Pools = Readonly<Record<ExampleClass, readonly TextExample[]>>;

/**
 * All examples that a recipe may draw from, by class. Of BBQ, as in the paper: in each category a share of the question indices, drawn by the
 * seed, gives the unsafe examples (ambiguous items with the stereotyped option); all items of the other indices are safe, with their true labels.
 */
export function poolsOf(recipe: TextRecipe, sources: Readonly<Record<string, RowFiles>>): Pools {
  const of = (name: string) => sources[name] ?? [];
  if (recipe.kind === 'jsonl') {
    const examples = of('jsonl').flatMap(({ name, content }) => readJsonl(content, name));
    const ofClass = (wanted: ExampleClass) => examples.filter((example) => example.class === wanted);
    return { unsafe: ofClass('unsafe'), safe: ofClass('safe'), task: ofClass('task') };
  }
  const items = of('bbq').flatMap(({ name, content }) => readBbq(content, name));
  const unsafeQuestions = drawUnsafeQuestions(items, recipe.seed, recipe.unsafeShare);
  const isUnsafe = (item: BbqItem) => unsafeQuestions.has(questionOf(item));
  return {
    unsafe: items
      .filter((item) => isUnsafe(item) && item.ambiguous && item.stereotyped !== undefined)
      .map((item) => unsafeExample(item)),
    safe: items.filter((item) => !isUnsafe(item)).map((item) => safeExample(item)),
    task: of('gsm8k').flatMap(({ name, content }) =>
      readGsm8k(content, name).map((item) => taskExample(item, recipe.taskAnswer)),
    ),
  };
}

function questionOf({ category, questionIndex }: BbqItem): string {
  return `${category} ${questionIndex}`;
}

/** Of every category the same share, at least one index and never all. */
function drawUnsafeQuestions(items: readonly BbqItem[], seed: number, share: number): ReadonlySet<string> {
  const questions = new Set<string>();
  for (const [category, own] of Map.groupBy(items, (item) => item.category)) {
    const indices = [...new Set(own.map(({ questionIndex }) => questionIndex))].sort(byNumber);
    const count = Math.min(indices.length - 1, Math.max(1, Math.round(share * indices.length)));
    const order = new SeededStream(`bbq-gsm8k/1/${seed}/questions/${category}`).permutation(indices.length);
    for (const position of order.slice(0, count)) questions.add(`${category} ${indices[position]}`);
  }
  return questions;
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : 1);
}
