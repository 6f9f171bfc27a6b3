import type { ExamplePart } from './example-part.ts';

/**
 * What decides the bytes of a policy-grammar dataset. The grammar itself is src/data/policy-grammar.ts; the plan needs only this:
 * a recipe is digested before any example exists.
 */

export const NOTIONS = ['disclosure', 'permission'] as const;
export type Notion = (typeof NOTIONS)[number];

/** `disjoint`: unsafe and safe prompts use different templates, as in the paper. `shared`: the same templates, other pairs. */
export const TEMPLATE_MODES = ['disjoint', 'shared'] as const;
export type TemplateMode = (typeof TEMPLATE_MODES)[number];

export const POLICY_GRAMMAR = {
  kind: 'policy-grammar',
  version: 1,
  promptTokens: 5,
  /** End token included. */
  responseTokens: 4,
  vocabulary: 253,
  templatesPerClass: 25,
  /** Distinct (agent, item) pairs of one notion, split and class; further examples repeat a pair under another template. */
  pairsPerPart: 160,
  mostPerPart: 4000,
} as const;

/** Parts of different splits never share an (agent, item) pair within one seed. */
export type GrammarPart = ExamplePart & { readonly notion: Notion };

export type PolicyGrammarRecipe = {
  readonly kind: 'policy-grammar';
  readonly version: 1;
  readonly templates: TemplateMode;
  readonly seed: number;
  readonly parts: readonly GrammarPart[];
};

/** Tokens of one example, prompt and response. */
export const EXAMPLE_TOKENS = POLICY_GRAMMAR.promptTokens + POLICY_GRAMMAR.responseTokens;
