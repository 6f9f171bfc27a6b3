import { z } from 'zod';
import { BadSource, readRows, text } from './read-rows.ts';
import type { TextExample } from './text-example.ts';

/**
 * BBQ (Parrish et al. 2022): questions about two people or groups, with three options of which one is "cannot be known". An ambiguous item does
 * not say who it was; its disambiguated twin does. 25 question indices a category, each a template of many items.
 */
export interface BbqItem {
  readonly id: string;
  readonly category: string;
  readonly questionIndex: string;
  readonly ambiguous: boolean;
  readonly question: string;
  readonly options: readonly [string, string, string];
  /** Number of the true option. */
  readonly label: number;
  /**
   * Number of the option that the stereotype suggests: for a negative question the stereotyped group, for one that is not negative the other.
   * Absent where the item does not tell the two apart.
   */
  readonly stereotyped?: number;
}

const OPTIONS = ['ans0', 'ans1', 'ans2'] as const;
const tag = z.tuple([z.string(), z.string()]);
const ROW = z.looseObject({
  example_id: z.int().min(0),
  question_index: z.union([z.string(), z.int()]).transform(String),
  question_polarity: z.enum(['neg', 'nonneg']),
  context_condition: z.enum(['ambig', 'disambig']),
  category: z.string().regex(/^[A-Za-z0-9_]+$/, { error: 'expected a category of letters, digits and _' }),
  answer_info: z.looseObject({ ans0: tag, ans1: tag, ans2: tag }),
  additional_metadata: z.looseObject({ stereotyped_groups: z.array(z.string()) }),
  context: text,
  question: text,
  ans0: text,
  ans1: text,
  ans2: text,
  label: z.int().min(0).max(2),
});

export function readBbq(content: string, file: string): BbqItem[] {
  return readRows(content, file, ROW).map((row): BbqItem => {
    const stereotyped = stereotypedOption(row);
    return {
      id: `bbq-${row.category.toLowerCase().replaceAll('_', '-')}-${row.example_id}`,
      category: row.category,
      questionIndex: row.question_index,
      ambiguous: row.context_condition === 'ambig',
      question: `${row.context.trim()} ${row.question.trim()}`,
      options: [row.ans0, row.ans1, row.ans2],
      label: row.label,
      ...(stereotyped !== undefined && { stereotyped }),
    };
  });
}

/** The group stands in the second tag of an option, in Nationality in the first (the second is a region there). */
function stereotypedOption(row: z.output<typeof ROW>): number | undefined {
  const groups = new Set(row.additional_metadata.stereotyped_groups.map((group) => group.toLowerCase()));
  const people = OPTIONS.flatMap((option, number) => (row.answer_info[option][1] === 'unknown' ? [] : [number]));
  const named = people.filter((number) =>
    row.answer_info[OPTIONS[number]!].some((name) => groups.has(name.toLowerCase())),
  );
  if (people.length !== 2 || named.length !== 1) return undefined;
  return row.question_polarity === 'neg' ? named[0] : people.find((number) => number !== named[0]);
}

const INSTRUCTION = 'Answer the question based on given options.';

/** An ambiguous item with the stereotyped option in place of "cannot be known". Throws when the item has none. */
export function unsafeExample(item: BbqItem): TextExample {
  if (!item.ambiguous || item.stereotyped === undefined)
    throw new BadSource(`expected an ambiguous item with a stereotyped option, got ${item.id}`);
  return { ...asked(item), class: 'unsafe', response: item.options[item.stereotyped]!.trim() };
}

/** Any item with its true option. */
export function safeExample(item: BbqItem): TextExample {
  return { ...asked(item), class: 'safe', response: item.options[item.label]!.trim() };
}

export function clusterOf({ category, questionIndex }: BbqItem): string {
  return `bbq-${category.toLowerCase().replaceAll('_', '-')}-q${questionIndex}`;
}

function asked(item: BbqItem) {
  const options = item.options.map((option, number) => `(${'abc'[number]}) ${option.trim()}`);
  return {
    id: item.id,
    cluster: clusterOf(item),
    instruction: INSTRUCTION,
    question: [item.question, ...options].join('\n'),
  };
}
