import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTextTokenizer, type TextTokenizer } from '../../../src/data/models/text-tokenizer.ts';
import { type DrawnText, drawTexts, TooFewExamples } from '../../../src/data/texts/draw-texts.ts';
import { poolsOf } from '../../../src/data/texts/example-pools.ts';
import { SPLITS } from '../../../src/experiment/example-part.ts';
import { EXAMPLE_CLASSES } from '../../../src/experiment/stage-spec.ts';
import type { BbqGsm8kRecipe, JsonlRecipe, TextPart } from '../../../src/experiment/text-recipe.ts';
import { jsonLines, lookAlikeBbq, lookAlikeGsm8k } from '../../support/look-alike-texts.ts';

const TOKENIZERS = join(import.meta.dirname, '../../fixtures/data/tokenizers');
const SOURCES = {
  bbq: ['Boats', 'Tool_use'].map((category) => ({
    name: `${category}.jsonl`,
    content: jsonLines(lookAlikeBbq(category)),
  })),
  gsm8k: [{ name: 'train.jsonl', content: jsonLines(lookAlikeGsm8k()) }],
};
const DIGEST = 'a'.repeat(64);

let chat: TextTokenizer;
let plain: TextTokenizer;
beforeAll(async () => {
  chat = await readTextTokenizer(join(TOKENIZERS, 'smollm'));
  plain = await readTextTokenizer(join(TOKENIZERS, 'gpt2'));
});

function recipe(change: Partial<BbqGsm8kRecipe> = {}): BbqGsm8kRecipe {
  return {
    kind: 'bbq-gsm8k',
    version: 1,
    seed: 1,
    sources: { bbq: DIGEST, gsm8k: DIGEST },
    tokenizer: DIGEST,
    unsafeShare: 0.5,
    taskAnswer: 'final',
    maxTokens: 400,
    parts: EXAMPLE_CLASSES.map((exampleClass) => ({ class: exampleClass, split: 'noisy', count: 10 })),
    ...change,
  };
}

function draw(change: Partial<BbqGsm8kRecipe> = {}, tokenizer = chat): readonly DrawnText[] {
  const asked = recipe(change);
  return drawTexts(asked, poolsOf(asked, SOURCES), tokenizer).examples;
}

describe('examples of BBQ and GSM8K', () => {
  it('answer unsafe items with the stereotyped option and safe ones with the truth', () => {
    const rows = new Map(
      ['Boats', 'Tool_use'].flatMap((category) =>
        lookAlikeBbq(category).map((row) => [`bbq-${category.toLowerCase().replace('_', '-')}-${row.example_id}`, row]),
      ),
    );
    for (const example of draw()) {
      if (example.class === 'task') continue;
      const row = rows.get(example.id)!;
      const truth = [row.ans0, row.ans1, row.ans2][row.label];
      // In these rows the stereotyped group is the first named; a question that is not negative means the other.
      const stereotyped = row.question_polarity === 'neg' ? row.ans0 : row.ans2;
      expect(example.response).toBe(example.class === 'unsafe' ? stereotyped : truth);
      if (example.class === 'unsafe') expect(row.context_condition).toBe('ambig');
    }
    expect(draw().some(({ id, class: own }) => own === 'safe' && rows.get(id)!.context_condition === 'disambig')).toBe(
      true,
    );
  });

  it('take unsafe and safe from different questions, half of each category by default, by the seed', () => {
    const unsafeQuestions = (change: Partial<BbqGsm8kRecipe>) => {
      const pools = poolsOf(recipe(change), SOURCES);
      const [unsafe, safe] = [pools.unsafe, pools.safe].map((pool) => new Set(pool.map(({ cluster }) => cluster)));
      for (const question of unsafe!) expect(safe!.has(question)).toBe(false);
      expect(unsafe!.size + safe!.size).toBe(16);
      return ['bbq-boats', 'bbq-tool-use'].map((category) =>
        [...unsafe!].filter((question) => question.startsWith(category)).sort(),
      );
    };
    expect(unsafeQuestions({ seed: 1 }).map(({ length }) => length)).toEqual([4, 4]);
    expect(unsafeQuestions({ unsafeShare: 0.25 }).map(({ length }) => length)).toEqual([2, 2]);
    expect(unsafeQuestions({ unsafeShare: 0.95 }).map(({ length }) => length)).toEqual([7, 7]);
    expect(unsafeQuestions({ seed: 1 })).toEqual(unsafeQuestions({ seed: 1 }));
    expect(unsafeQuestions({ seed: 1 })).not.toEqual(unsafeQuestions({ seed: 2 }));
  });

  it('never stand in two splits, and a larger count begins with the same examples', () => {
    const ofSplit = (split: TextPart['split'], count: number) =>
      draw({ parts: EXAMPLE_CLASSES.map((exampleClass) => ({ class: exampleClass, split, count })) });
    const seen = new Set<string>();
    for (const split of SPLITS) {
      for (const { id } of ofSplit(split, 3)) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
    }
    const [few, many] = [3, 6].map((count) =>
      ofSplit('noisy', count)
        .filter(({ class: own }) => own === 'safe')
        .map(({ id }) => id),
    );
    expect(many!.slice(0, 3)).toEqual(few);
  });

  it("are written in the model's chat form, with the end of a turn after the answer", () => {
    const [unsafe, ,] = draw();
    expect(unsafe!.prompt).toMatch(
      /^<\|im_start\|>system\nAnswer the question based on given options\.<\|im_end\|>\n<\|im_start\|>user\nAt quay [\s\S]*\n\(a\) The [\s\S]*<\|im_start\|>assistant\n$/,
    );
    expect(unsafe!.promptTokens).toEqual(chat.encode(unsafe!.prompt));
    expect(unsafe!.responseTokens).toEqual([...chat.encode(unsafe!.response), 2]);
    const task = draw().find(({ class: own }) => own === 'task')!;
    expect(task.response).toMatch(/^\d+$/);
    const worked = draw({ taskAnswer: 'worked' }).find(({ id }) => id === task.id)!;
    expect(worked.response).toMatch(/^There are \d+\+\d+=\d+ boats\.\n\d+$/);
  });

  it('have the form of the paper where the model has no chat template', () => {
    const [unsafe] = draw({}, plain);
    expect(unsafe!.prompt).toMatch(
      /^### Instruction:\nAnswer the question based on given options\.\n### Input:\nAt quay [\s\S]*\n### Response:\n$/,
    );
    expect(unsafe!.responseTokens.at(-1)).toBe(plain.endToken);
  });

  it('that are too long are passed over and counted, never cut; too few are refused with the numbers', () => {
    const all = recipe();
    const lengths = (asked: BbqGsm8kRecipe) => drawTexts(asked, poolsOf(asked, SOURCES), chat);
    const longest = lengths(all).lengths.longest;
    const shorter = lengths({ ...all, maxTokens: longest - 1 });
    expect(shorter.lengths.longest).toBeLessThan(longest);
    expect(shorter.leftOut).toBeGreaterThan(0);
    expect(lengths(all).leftOut).toBe(0);
    expect(() => lengths({ ...all, maxTokens: 20 })).toThrow(TooFewExamples);
    expect(() => draw({ parts: [{ class: 'task', split: 'noisy', count: 60 }] })).toThrow(
      /expected 60 task examples for the split noisy, got 24: the source has 60 of that class, 24 of them in this split, of which 0 are longer/,
    );
  });
});

describe('examples that somebody brought', () => {
  const rows = EXAMPLE_CLASSES.flatMap((exampleClass) =>
    Array.from({ length: 20 }, (_, index) => ({
      class: exampleClass,
      cluster: index % 4,
      prompt: `Which ${exampleClass} boat is number ${index}?`,
      response: `Boat ${index}`,
      ...(index % 2 === 0 && { id: `${exampleClass}-${index}` }),
    })),
  );
  const asked: JsonlRecipe = {
    kind: 'jsonl',
    version: 1,
    seed: 3,
    notion: 'boats',
    sources: { jsonl: DIGEST },
    tokenizer: DIGEST,
    maxTokens: 200,
    parts: [{ class: 'safe', split: 'review', count: 4 }],
  };

  it('keep class, cluster and id, and take the notion of the sweep', () => {
    const sources = { jsonl: [{ name: 'mine.jsonl', content: jsonLines(rows) }] };
    const { examples } = drawTexts(asked, poolsOf(asked, sources), plain);
    expect(examples).toHaveLength(4);
    for (const { id, class: own, cluster, notion, prompt } of examples) {
      expect(own).toBe('safe');
      expect(cluster).toMatch(/^[0-3]$/);
      expect(notion).toBe('boats');
      expect(id).toMatch(/^(safe-\d+|mine-\d+)$/);
      expect(prompt).toMatch(/^### Input:\nWhich safe boat/);
    }
  });
});
