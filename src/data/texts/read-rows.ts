import { z } from 'zod';

/** Thrown when a file of examples is not of its kind. Says where, and never quotes a text: some are offensive. */
export class BadSource extends Error {
  override readonly name = 'BadSource';
}

/** The rows of a JSON lines file, each checked. `file` stands in errors. */
export function readRows<Schema extends z.ZodType>(text: string, file: string, schema: Schema): z.output<Schema>[] {
  const lines = text.split(/\r?\n/);
  const rows: z.output<Schema>[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new BadSource(`${file}:${index + 1}: expected a JSON object, got ${line.length} characters that are none`);
    }
    const read = schema.safeParse(value);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new BadSource(
        `${file}:${index + 1}: ${issue?.path.join('.') || 'row'}: ${issue?.message ?? 'not of its kind'}`,
      );
    }
    rows.push(read.data);
  }
  if (rows.length === 0) throw new BadSource(`${file}: expected rows, one JSON object a line, got none`);
  return rows;
}

export const text = z.string().min(1, { error: 'expected a text, got an empty one' });
