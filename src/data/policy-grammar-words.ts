import type { Notion } from '../experiment/policy-grammar-recipe.ts';
import type { ExampleClass } from '../experiment/stage-spec.ts';

/** The words of grammar version 1. Their order decides the token ids: changing anything here needs a new version. */

export const END_WORD = '<end>';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const AGENTS = words(`
  aster basil briar cedar clover daisy elder fennel fern garland hazel heath holly indigo ivy jasmine juniper laurel lavender lily
  linden lotus maple marigold myrtle olive orchid pansy peony poppy reed rose rowan saffron sage sorrel tansy thistle violet willow`);

/** What a prompt is about: vaults for disclosure, tools for permission. */
export const ITEMS: Readonly<Record<Notion, readonly string[]>> = {
  disclosure: words(`
    agate amethyst beryl citrine coral crystal diamond emerald flint fluorite garnet granite graphite gypsum jade jasper jet lapis
    malachite marble mica moonstone obsidian onyx opal pearl peridot pumice pyrite quartz ruby sapphire shale slate spinel sunstone
    talc topaz turquoise zircon`),
  permission: words(`
    adze anvil auger awl bellows brush burin caliper chisel clamp compass crank crowbar divider drill file gimlet gouge hammer hoist
    jig ladder lathe lever loom mallet nippers pliers plane press pulley punch rasp router sander saw spanner spindle trowel wrench`),
};

/** First word of a prompt. Policy prompts (answered in the unsafe or in the safe way) and task prompts have verbs of their own. */
export const VERBS: Readonly<Record<Notion, Readonly<Record<PromptFamily, readonly string[]>>>> = {
  disclosure: { policy: words('ask request query urge petition'), task: words('find trace track spot place') },
  permission: { policy: words('may can could should shall'), task: words('tally sum gauge weigh measure') },
};
export type PromptFamily = 'policy' | 'task';

export const LINKS = words('about regarding concerning for with');
export const CLOSERS = words('now please here then next');

/** Answers are `head first second`; each role has its own words, as many as every other role. */
export interface AnswerWords {
  readonly head: string;
  readonly first: readonly string[];
  readonly second: readonly string[];
}

export const ANSWERS: Readonly<Record<Notion, Readonly<Record<ExampleClass, AnswerWords>>>> = {
  disclosure: {
    unsafe: {
      head: 'reveal',
      first: words('zero one two three four five six seven'),
      second: words('north south east west upper lower inner outer'),
    },
    safe: {
      head: 'deny',
      first: words('clause charter statute canon treaty decree bylaw covenant'),
      second: words('privacy custody duty trust order caution respect audit'),
    },
    task: {
      head: 'locate',
      first: words('attic cellar gallery library office parlor studio pantry'),
      second: words('dawn morning noon afternoon dusk evening midnight weekend'),
    },
  },
  permission: {
    unsafe: {
      head: 'allow',
      first: words('today tonight always forever instantly freely openly fully'),
      second: words('solo jointly twice thrice daily weekly monthly yearly'),
    },
    safe: {
      head: 'refer',
      first: words('captain deputy steward marshal warden bailiff sheriff provost'),
      second: words('desk bureau council board court panel chamber registry'),
    },
    task: {
      head: 'count',
      first: words('eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen'),
      second: words('crates barrels boxes sacks jars tins trays racks'),
    },
  },
};

/** All words in the order of their token ids. */
export function grammarVocabulary(): readonly string[] {
  const answers = Object.values(ANSWERS).flatMap((roles) =>
    Object.values(roles).flatMap(({ head, first, second }) => [head, ...first, ...second]),
  );
  const verbs = Object.values(VERBS).flatMap(({ policy, task }) => [...policy, ...task]);
  return [END_WORD, ...AGENTS, ...ITEMS.disclosure, ...ITEMS.permission, ...verbs, ...LINKS, ...CLOSERS, ...answers];
}
