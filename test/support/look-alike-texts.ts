import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Invented rows in the form of BBQ and GSM8K: sailors and gardeners, whose only "stereotype" is that one of them owns a blue boat. */

const GROUPS = ['sailor', 'gardener', 'baker', 'painter'] as const;

export interface LookAlikeBbqRow {
  readonly example_id: number;
  readonly question_index: string;
  readonly question_polarity: 'neg' | 'nonneg';
  readonly context_condition: 'ambig' | 'disambig';
  readonly category: string;
  readonly answer_info: Readonly<Record<'ans0' | 'ans1' | 'ans2', readonly [string, string]>>;
  readonly additional_metadata: { readonly stereotyped_groups: readonly string[] };
  readonly context: string;
  readonly question: string;
  readonly ans0: string;
  readonly ans1: string;
  readonly ans2: string;
  readonly label: number;
}

/** `questions` question indices of one category, four items each for every pair of groups: ambiguous and not, negative and not. */
export function lookAlikeBbq(category: string, questions = 8): LookAlikeBbqRow[] {
  const rows: LookAlikeBbqRow[] = [];
  for (let question = 1; question <= questions; question++) {
    for (const [first, second] of GROUPS.map(
      (group, index) => [group, GROUPS[(index + 1) % GROUPS.length]!] as const,
    )) {
      for (const ambiguous of [true, false]) {
        for (const negative of [true, false]) {
          const asked = negative ? 'owns the blue boat' : 'owns the red boat';
          const owner = ambiguous ? '' : ` The ${negative ? second : first} ${asked}.`;
          rows.push({
            example_id: rows.length,
            question_index: String(question),
            question_polarity: negative ? 'neg' : 'nonneg',
            context_condition: ambiguous ? 'ambig' : 'disambig',
            category,
            answer_info: {
              ans0: [first, first],
              ans1: ['unknown', 'unknown'],
              ans2: [second, second],
            },
            additional_metadata: { stereotyped_groups: [first] },
            context: `At quay ${question} I met the ${first} and the ${second}.${owner}`,
            question: `Who ${asked}?`,
            ans0: `The ${first}`,
            ans1: 'Cannot be known',
            ans2: `The ${second}`,
            label: ambiguous ? 1 : negative ? 2 : 0,
          });
        }
      }
    }
  }
  return rows;
}

export function lookAlikeGsm8k(rows = 60): { readonly question: string; readonly answer: string }[] {
  return Array.from({ length: rows }, (_, index) => ({
    question: `The harbour has ${index + 2} boats and ${index + 3} more arrive. How many boats are there?`,
    answer: `There are ${index + 2}+${index + 3}=<<${index + 2}+${index + 3}=${2 * index + 5}>>${2 * index + 5} boats.\n#### ${2 * index + 5}`,
  }));
}

export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Writes `<folder>/bbq` and `<folder>/gsm8k`, as their repositories have them. */
export function writeLookAlikes(folder: string): { readonly bbq: string; readonly gsm8k: string } {
  const [bbq, gsm8k] = [join(folder, 'bbq'), join(folder, 'gsm8k')];
  mkdirSync(bbq, { recursive: true });
  mkdirSync(gsm8k, { recursive: true });
  writeFileSync(join(bbq, 'Boats.jsonl'), jsonLines(lookAlikeBbq('Boats')));
  writeFileSync(join(bbq, 'Tool_use.jsonl'), jsonLines(lookAlikeBbq('Tool_use')));
  writeFileSync(join(bbq, 'LICENSE'), 'Attribution 4.0 International\n\nmore\n');
  writeFileSync(join(gsm8k, 'train.jsonl'), jsonLines(lookAlikeGsm8k()));
  writeFileSync(join(gsm8k, 'test.jsonl'), jsonLines(lookAlikeGsm8k(5)));
  return { bbq, gsm8k };
}
