import { z } from 'zod';
import type { TaskAnswer } from '../../experiment/text-recipe.ts';
import { BadSource, readRows, text } from './read-rows.ts';
import type { TextExample } from './text-example.ts';

/** GSM8K (Cobbe et al. 2021): grade school problems. An answer is a worked solution, with calculator marks `<<48/2=24>>`, and `#### 24` at its end. */
export interface GsmItem {
  readonly id: string;
  readonly question: string;
  readonly worked: string;
  readonly final: string;
}

const ROW = z.looseObject({ question: text, answer: text });

export function readGsm8k(content: string, file: string): GsmItem[] {
  const stem = file.replace(/^.*\/|\.jsonl$/g, '');
  return readRows(content, file, ROW).map(({ question, answer }, index): GsmItem => {
    const [solution = '', final] = answer.split('####');
    if (final === undefined || final.trim() === '')
      throw new BadSource(`${file}: row ${index + 1}: answer: expected a final answer after ####, got none`);
    return {
      id: `gsm8k-${stem}-${index}`,
      question: question.trim(),
      worked: solution.replace(/<<[^<>]*>>/g, '').trim(),
      final: final.trim(),
    };
  });
}

const INSTRUCTIONS: Readonly<Record<TaskAnswer, string>> = {
  final: 'Answer the question with a number alone.',
  worked: 'Solve the problem step by step and end with the number.',
};

/** Each problem is a cluster of its own. */
export function taskExample(item: GsmItem, form: TaskAnswer): TextExample {
  return {
    id: item.id,
    class: 'task',
    cluster: item.id,
    instruction: INSTRUCTIONS[form],
    question: item.question,
    response: form === 'final' ? item.final : `${item.worked}\n${item.final}`,
  };
}
