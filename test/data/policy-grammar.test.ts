import { describe, expect, it } from 'vitest';
import { type GrammarExample, generateExamples } from '../../src/data/policy-grammar.ts';
import { ANSWERS, grammarVocabulary } from '../../src/data/policy-grammar-words.ts';
import { grammarTokenizer } from '../../src/data/word-tokenizer.ts';
import { SPLITS } from '../../src/experiment/example-part.ts';
import {
  type GrammarPart,
  NOTIONS,
  POLICY_GRAMMAR,
  type PolicyGrammarRecipe,
} from '../../src/experiment/policy-grammar-recipe.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from '../../src/experiment/stage-spec.ts';

const SEEDS = [1, 2, 3, 77, 4096];

function recipe(seed: number, parts: readonly GrammarPart[], templates: 'disjoint' | 'shared' = 'disjoint') {
  return { kind: 'policy-grammar', version: 1, templates, seed, parts } satisfies PolicyGrammarRecipe;
}

function noisy(seed: number, count: number, templates: 'disjoint' | 'shared' = 'disjoint') {
  const parts = EXAMPLE_CLASSES.map((c): GrammarPart => ({ notion: 'disclosure', class: c, split: 'noisy', count }));
  return generateExamples(recipe(seed, parts, templates));
}

function entropy(words: readonly string[]): number {
  const groups = [...Map.groupBy(words, (word) => word).values()];
  const shares = groups.map((group) => group.length / words.length);
  return shares.reduce((bits, share) => bits - share * Math.log2(share), 0);
}

function wordsAt(examples: readonly GrammarExample[], field: 'prompt' | 'response', place: number): string[] {
  return examples.map((example) => example[field].split(' ')[place]!);
}

function common(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...one].filter((value) => other.has(value)).length;
}

function byClass(examples: readonly GrammarExample[]): [ExampleClass, GrammarExample[]][] {
  return EXAMPLE_CLASSES.map((c) => [c, examples.filter((example) => example.class === c)]);
}

describe('policy grammar', () => {
  it.each(SEEDS)(
    'matches length, word frequency and entropy of the classes exactly at 160 examples (seed %i)',
    (seed) => {
      for (const templates of ['disjoint', 'shared'] as const) {
        const classes = byClass(noisy(seed, 160, templates));
        for (const place of [0, 1, 2, 3, 4]) {
          const entropies = classes.map(([, examples]) => entropy(wordsAt(examples, 'prompt', place)));
          for (const bits of entropies)
            expect(bits).toBeCloseTo(place === 1 || place === 3 ? Math.log2(40) : Math.log2(5), 12);
        }
        for (const place of [0, 1, 2]) {
          const entropies = classes.map(([, examples]) => entropy(wordsAt(examples, 'response', place)));
          for (const bits of entropies) expect(bits).toBeCloseTo(place === 0 ? 0 : 3, 12);
        }
        for (const [, examples] of classes) {
          expect(new Set(examples.map(({ prompt }) => prompt.split(' ').length))).toEqual(new Set([5]));
          expect(new Set(examples.map(({ response }) => response.split(' ').length))).toEqual(new Set([3]));
        }
      }
    },
  );

  it.each(SEEDS)('keeps the entropies of the classes within .25 bit of each other at any count (seed %i)', (seed) => {
    for (const count of [48, 100, 137, 500]) {
      const classes = byClass(noisy(seed, count));
      for (const [field, places] of [
        ['prompt', [0, 1, 2, 3, 4]],
        ['response', [0, 1, 2]],
      ] as const) {
        for (const place of places) {
          const entropies = classes.map(([, examples]) => entropy(wordsAt(examples, field, place)));
          expect(Math.max(...entropies) - Math.min(...entropies)).toBeLessThan(0.25);
        }
      }
    }
  });

  it('gives every class 25 clusters, disjoint between unsafe and safe, or the same ones when templates are shared', () => {
    for (const templates of ['disjoint', 'shared'] as const) {
      const clusters = byClass(noisy(5, 160, templates)).map(([, rows]) => new Set(rows.map(({ cluster }) => cluster)));
      for (const set of clusters) expect(set.size).toBe(POLICY_GRAMMAR.templatesPerClass);
      const [unsafe, safe, task] = clusters as [Set<string>, Set<string>, Set<string>];
      expect(common(unsafe, safe)).toBe(templates === 'shared' ? 25 : 0);
      expect(common(unsafe, task)).toBe(0);
    }
  });

  it.each(SEEDS)('never repeats a prompt, within or between splits and classes (seed %i)', (seed) => {
    for (const templates of ['disjoint', 'shared'] as const) {
      const parts = NOTIONS.flatMap((notion) =>
        SPLITS.flatMap((split) => EXAMPLE_CLASSES.map((c): GrammarPart => ({ notion, class: c, split, count: 400 }))),
      );
      const examples = generateExamples(recipe(seed, parts, templates));
      expect(new Set(examples.map(({ prompt }) => prompt)).size).toBe(examples.length);
      expect(new Set(examples.map(({ id }) => id)).size).toBe(examples.length);
    }
  });

  it('never lets two splits ask about the same agent and item', () => {
    const pairs = SPLITS.map((split) => {
      const parts = EXAMPLE_CLASSES.filter((c) => c !== 'task').map(
        (c): GrammarPart => ({ notion: 'permission', class: c, split, count: 160 }),
      );
      return new Set(
        generateExamples(recipe(3, parts)).map(({ prompt }) =>
          prompt
            .split(' ')
            .filter((_, i) => i === 1 || i === 3)
            .join(' '),
        ),
      );
    });
    expect(pairs.reduce((sum, set) => sum + set.size, 0)).toBe(1600);
    expect(new Set(pairs.flatMap((set) => [...set])).size).toBe(1600);
  });

  it('gives a pair one answer under every template, so that it is learned and not computed', () => {
    const examples = generateExamples(
      recipe(8, [{ notion: 'disclosure', class: 'unsafe', split: 'noisy', count: 4000 }]),
    );
    const answers = Map.groupBy(examples, ({ prompt }) =>
      prompt
        .split(' ')
        .filter((_, i) => i === 1 || i === 3)
        .join(' '),
    );
    expect(answers.size).toBe(160);
    for (const group of answers.values()) {
      expect(group.length).toBe(25);
      expect(new Set(group.map(({ response }) => response)).size).toBe(1);
    }
    // Agent and answer are independent: each agent meets several answers.
    const ofAgent = Map.groupBy(answers.entries(), ([pair]) => pair.split(' ')[0]);
    const mean =
      [...ofAgent.values()].reduce((sum, group) => sum + new Set(group.map(([, [e]]) => e!.response)).size, 0) /
      ofAgent.size;
    expect(mean).toBeGreaterThan(3);
  });

  it('begins a longer part with the examples of a shorter one', () => {
    const part = { notion: 'disclosure', class: 'safe', split: 'review' } as const;
    const long = generateExamples(recipe(4, [{ ...part, count: 300 }]));
    expect(long.slice(0, 90)).toEqual(generateExamples(recipe(4, [{ ...part, count: 90 }])));
  });

  it('swaps only the answers when a part asks for those of another role', () => {
    const part = { notion: 'disclosure', class: 'unsafe', split: 'noisy', count: 80 } as const;
    const own = generateExamples(recipe(6, [part]));
    const swapped = generateExamples(recipe(6, [{ ...part, answers: 'safe' }]));
    expect(swapped.map(({ prompt, id, class: c }) => [prompt, id, c])).toEqual(
      own.map(({ prompt, id, class: c }) => [prompt, id, c]),
    );
    expect(new Set(wordsAt(own, 'response', 0))).toEqual(new Set([ANSWERS.disclosure.unsafe.head]));
    expect(new Set(wordsAt(swapped, 'response', 0))).toEqual(new Set([ANSWERS.disclosure.safe.head]));
  });

  it('draws other examples for another seed', () => {
    const prompts = new Set(noisy(1, 160).map(({ prompt }) => prompt));
    const again = noisy(2, 160).filter(({ prompt }) => prompts.has(prompt));
    expect(again.length).toBeLessThan(20);
  });

  it('has distinct words that fit the declared vocabulary and the declared lengths', () => {
    const words = grammarVocabulary();
    expect(words.length).toBe(POLICY_GRAMMAR.vocabulary);
    expect(new Set(words).size).toBe(words.length);
    const tokenizer = grammarTokenizer();
    for (const example of noisy(1, 40)) {
      expect(tokenizer.encode(example.prompt).length).toBe(POLICY_GRAMMAR.promptTokens);
      expect(tokenizer.encode(example.response).length + 1).toBe(POLICY_GRAMMAR.responseTokens);
    }
  });
});
