import { modelsFolder, sourcesFolder } from '../artifacts/input-catalog-of-store.ts';
import type { Plan } from '../experiment/plan.ts';
import { lengthsKey, type SequenceLengths } from '../experiment/sequence-lengths.ts';
import type { DataRecipe } from '../experiment/stage-spec.ts';
import { isTextKind, parseTextRecipe } from '../experiment/text-recipe.ts';
import { BadInput } from './exit-codes.ts';

/**
 * How long the texts of a plan are: one of the datasets that differ in their seed alone is drawn and tokenized, as its stage would do it. So a
 * source that is too small is found before anything starts. Throws `BadInput`. A plan of the grammar has none.
 */
export async function textLengths(plan: Plan, store: string): Promise<ReadonlyMap<string, SequenceLengths>> {
  const parts = plan.stages.flatMap(({ spec }) => [spec.train, spec.score]);
  // Thousands of stages name one recipe.
  const recipes = new Set(
    parts.flatMap((part) => (part && isTextKind(part.data.recipe.kind) ? [part.data.recipe] : [])),
  );
  const lengths = new Map<string, SequenceLengths>();
  for (const recipe of recipes) {
    const key = lengthsKey(recipe);
    if (!lengths.has(key)) lengths.set(key, await measure(recipe, store));
  }
  return lengths;
}

async function measure(written: DataRecipe, store: string): Promise<SequenceLengths> {
  const parsed = parseTextRecipe(written);
  if (!parsed.ok) throw new BadInput(parsed.sentence);
  const [{ findTokenizer }, { readTextSources }, { poolsOf }, { drawTexts }] = await Promise.all([
    import('../data/models/find-tokenizer.ts'),
    import('../data/texts/text-sources.ts'),
    import('../data/texts/example-pools.ts'),
    import('../data/texts/draw-texts.ts'),
  ]);
  const [tokenizer, sources] = await Promise.all([
    findTokenizer(modelsFolder(store), parsed.recipe.tokenizer),
    readTextSources(sourcesFolder(store), parsed.recipe),
  ]);
  return drawTexts(parsed.recipe, poolsOf(parsed.recipe, sources), tokenizer).lengths;
}
