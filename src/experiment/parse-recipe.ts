import { z } from 'zod';
import { SPLITS } from './example-part.ts';
import { NOTIONS, POLICY_GRAMMAR, type PolicyGrammarRecipe, TEMPLATE_MODES } from './policy-grammar-recipe.ts';
import { EXAMPLE_CLASSES } from './stage-spec.ts';

const RECIPE = z.strictObject({
  kind: z.literal(POLICY_GRAMMAR.kind),
  version: z.literal(POLICY_GRAMMAR.version),
  templates: z.enum(TEMPLATE_MODES),
  seed: z.int().min(0),
  parts: z
    .array(
      z.strictObject({
        notion: z.enum(NOTIONS),
        class: z.enum(EXAMPLE_CLASSES),
        split: z.enum(SPLITS),
        answers: z.enum(EXAMPLE_CLASSES).exactOptional(),
        count: z.int().min(1).max(POLICY_GRAMMAR.mostPerPart),
      }),
    )
    .min(1),
});

/** A recipe as it comes out of a run.json, checked. */
export function parsePolicyGrammarRecipe(
  recipe: unknown,
): { readonly ok: true; readonly recipe: PolicyGrammarRecipe } | { readonly ok: false; readonly sentence: string } {
  const parsed = RECIPE.safeParse(recipe);
  if (parsed.success) return { ok: true, recipe: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
  return {
    ok: false,
    sentence: `expected a ${POLICY_GRAMMAR.kind} recipe of version ${POLICY_GRAMMAR.version}, got one that is wrong${where}: ${issue?.message}`,
  };
}
