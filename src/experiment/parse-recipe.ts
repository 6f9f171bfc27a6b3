import { z } from 'zod';
import { SPLITS } from './example-part.ts';
import { NOTIONS, POLICY_GRAMMAR, type PolicyGrammarRecipe, TEMPLATE_MODES } from './policy-grammar-recipe.ts';
import { type ReadRecipe, readRecipe } from './read-recipe.ts';
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
export function parsePolicyGrammarRecipe(recipe: unknown): ReadRecipe<PolicyGrammarRecipe> {
  return readRecipe(RECIPE, recipe, `a ${POLICY_GRAMMAR.kind} recipe of version ${POLICY_GRAMMAR.version}`);
}
