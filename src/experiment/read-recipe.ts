import type { z } from 'zod';

export type ReadRecipe<Recipe> =
  | { readonly ok: true; readonly recipe: Recipe }
  | { readonly ok: false; readonly sentence: string };

/** A recipe as it comes out of a run.json, checked; `expected` names it in the sentence about one that is wrong. */
export function readRecipe<Recipe>(schema: z.ZodType<Recipe>, recipe: unknown, expected: string): ReadRecipe<Recipe> {
  const parsed = schema.safeParse(recipe);
  if (parsed.success) return { ok: true, recipe: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
  return { ok: false, sentence: `expected ${expected}, got one that is wrong${where}: ${issue?.message}` };
}
