import { z } from 'zod';
import { EXAMPLE_CLASSES } from '../../experiment/stage-spec.ts';
import { BadSource, readRows, text } from './read-rows.ts';
import type { TextExample } from './text-example.ts';

const ROW = z.looseObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,100}$/, { error: 'expected an id of 1 to 100 letters, digits and . _ : -' })
    .optional(),
  class: z.enum(EXAMPLE_CLASSES, { error: `expected one of ${EXAMPLE_CLASSES.join(', ')}` }),
  cluster: z
    .union([z.string().min(1), z.int()])
    .transform(String)
    .optional(),
  instruction: text.optional(),
  prompt: text,
  response: text,
});

/** Examples that somebody brought: `{prompt, response, class, cluster?, id?, instruction?}` a line. Without a cluster each is one of its own. */
export function readJsonl(content: string, file: string): TextExample[] {
  const stem = file.replace(/^.*\/|\.jsonl$/g, '');
  const seen = new Set<string>();
  return readRows(content, file, ROW).map((row, index): TextExample => {
    const id = row.id ?? `${stem}-${index}`;
    if (seen.has(id)) throw new BadSource(`${file}: row ${index + 1}: id: expected each id once, got one again`);
    seen.add(id);
    return {
      id,
      class: row.class,
      cluster: row.cluster ?? id,
      ...(row.instruction !== undefined && { instruction: row.instruction }),
      question: row.prompt.trim(),
      response: row.response.trim(),
    };
  });
}
