import { SPLITS } from '../experiment/example-part.ts';
import {
  type GrammarPart,
  type Notion,
  POLICY_GRAMMAR,
  type PolicyGrammarRecipe,
} from '../experiment/policy-grammar-recipe.ts';
import type { ExampleClass } from '../experiment/stage-spec.ts';
import { AGENTS, ANSWERS, CLOSERS, ITEMS, LINKS, type PromptFamily, VERBS } from './policy-grammar-words.ts';
import { SeededStream } from './seeded-stream.ts';

/**
 * The policy grammar: a world of agents, vaults and tools, harmless by construction, in which "unsafe" is only a role.
 *
 *   prompt   = verb agent link item closer        5 tokens; (verb, link, closer) is the template, and the cluster
 *   response = head first second <end>            4 tokens; head tells the role, first and second belong to the (agent, item) pair
 *
 * Classes are matched by design, so that "unsafe" never means "harder": every class has 25 templates in which each word of a slot
 * stands equally often, every 40 examples name each agent and each item once, and every 8 use each answer word once. The answer of a
 * pair is drawn at random and fixed by the seed: it can be memorised, not inferred.
 */
export interface GrammarExample {
  readonly id: string;
  readonly class: ExampleClass;
  readonly notion: Notion;
  readonly cluster: string;
  readonly prompt: string;
  readonly response: string;
}

const PAIR_LINES = AGENTS.length;
const LINES_PER_PART = POLICY_GRAMMAR.pairsPerPart / PAIR_LINES;
const SLOT_WORDS = LINKS.length;
const ANSWER_WORDS = 8;

/** The examples of a recipe, part after part. */
export function generateExamples(recipe: PolicyGrammarRecipe): GrammarExample[] {
  return recipe.parts.flatMap((part) => generatePart(recipe, part));
}

function generatePart(recipe: PolicyGrammarRecipe, part: GrammarPart): GrammarExample[] {
  const family: PromptFamily = part.class === 'task' ? 'task' : 'policy';
  const templates = templatesOf(recipe, part.notion, part.class);
  const pairs = pairsOf(recipe.seed, part, family);
  const answer = answersOf(recipe.seed, part);
  const verbs = VERBS[part.notion][family];
  const items = ITEMS[part.notion];

  return Array.from({ length: part.count }, (_, index) => {
    const position = index % pairs.length;
    const [agent, item] = pairs[position]!;
    // A repeated pair comes back under the next template, so that no prompt stands twice.
    const round = Math.floor(index / pairs.length);
    const [verb, link, closer] = templates[(position + round) % templates.length]!;
    return {
      id: `${part.notion}-${part.class}-${part.split}-${String(index).padStart(4, '0')}`,
      class: part.class,
      notion: part.notion,
      cluster: `${part.notion}-${family}-${verb}${link}${closer}`,
      prompt: `${verbs[verb]} ${AGENTS[agent]} ${LINKS[link]} ${items[item]} ${CLOSERS[closer]}`,
      response: answer(position),
    };
  });
}

type Template = readonly [verb: number, link: number, closer: number];

/**
 * Templates whose word numbers add up to the class's residue modulo 5. Of any two classes they are disjoint, and each word of each slot
 * stands in exactly five; runs of five hold every word of every slot once.
 */
function templatesOf(recipe: PolicyGrammarRecipe, notion: Notion, exampleClass: ExampleClass): Template[] {
  const residues = new SeededStream(`templates/${recipe.seed}/${notion}`).permutation(SLOT_WORDS);
  const ownResidue = exampleClass === 'unsafe' || recipe.templates === 'shared' ? residues[0]! : residues[1]!;
  const residue = exampleClass === 'task' ? residues[2]! : ownResidue;
  const order = new SeededStream(`template-order/${recipe.seed}/${notion}/${exampleClass}`);
  return order.permutation(SLOT_WORDS).flatMap((shift) =>
    order.permutation(SLOT_WORDS).map((verb): Template => {
      const link = (verb + shift) % SLOT_WORDS;
      return [verb, link, (residue - verb - link + 2 * SLOT_WORDS) % SLOT_WORDS];
    }),
  );
}

/**
 * The pairs of a part: four of the forty diagonals of the agent × item square, each of which names every agent and every item once.
 * Every split and, among policy prompts, each of unsafe and safe has diagonals of its own.
 */
function pairsOf(seed: number, part: GrammarPart, family: PromptFamily): (readonly [agent: number, item: number])[] {
  const diagonals = new SeededStream(`pairs/${seed}/${part.notion}/${family}`).permutation(PAIR_LINES);
  const slot = SPLITS.indexOf(part.split) * 2 + (part.class === 'safe' ? 1 : 0);
  const order = new SeededStream(`pair-order/${seed}/${part.notion}/${family}/${slot}`);
  return diagonals
    .slice(slot * LINES_PER_PART, (slot + 1) * LINES_PER_PART)
    .flatMap((diagonal) =>
      order.permutation(PAIR_LINES).map((agent) => [agent, (agent + diagonal) % PAIR_LINES] as const),
    );
}

/** The answer at a position: eight positions after each other use each answer word once. */
function answersOf(seed: number, part: GrammarPart): (position: number) => string {
  const role = part.answers ?? part.class;
  const { head, first, second } = ANSWERS[part.notion][role];
  const stream = new SeededStream(`answers/${seed}/${part.notion}/${part.class}/${role}/${part.split}`);
  const draw = () =>
    Array.from({ length: POLICY_GRAMMAR.pairsPerPart / ANSWER_WORDS }, () => stream.permutation(ANSWER_WORDS)).flat();
  const firsts = draw();
  const seconds = draw();
  return (position) => `${head} ${first[firsts[position]!]} ${second[seconds[position]!]}`;
}
