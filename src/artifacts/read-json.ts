import type { z } from 'zod';
import { publish } from './publish.ts';
import { readText } from './small-files.ts';

/** Thrown when a file of the store is not what its format says: damaged, cut off, or written by another release. */
export class BadFile extends Error {
  override readonly name = 'BadFile';
  readonly path: string;

  constructor(path: string, expected: string, came: string) {
    super(`${path}: expected ${expected}, got ${came}`);
    this.path = path;
  }
}

/** The value in a JSON file, checked by `schema`; undefined when there is no such file. Throws `BadFile`. */
export async function readJsonIfThere<T>(path: string, schema: z.ZodType): Promise<T | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : parseJson<T>(path, text, schema);
}

/** Like `readJsonIfThere`, but a missing file is a `BadFile` too. */
export async function readJson<T>(path: string, schema: z.ZodType): Promise<T> {
  const value = await readJsonIfThere<T>(path, schema);
  if (value === undefined) throw new BadFile(path, 'a JSON file', 'no file');
  return value;
}

/** `schema` states the type `T` that docs/formats.md promises for the file; the pair is kept together in schemas.ts. */
export function parseJson<T>(path: string, text: string, schema: z.ZodType): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadFile(path, 'JSON', text === '' ? 'an empty file' : `${text.length} characters that are not`);
  }
  const checked = schema.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const field = issue?.path.join('.') || 'the whole file';
    throw new BadFile(
      path,
      `${field}: ${issue?.message ?? 'its format'}`,
      `${describe(valueAt(value, issue?.path ?? []))}`,
    );
  }
  return value as T;
}

/** Publishes a value as JSON; `value` of the result is what stands. */
export async function publishJson<T>(path: string, value: T, schema: z.ZodType): Promise<{ won: boolean; value: T }> {
  const { won, content } = await publish(path, `${JSON.stringify(value)}\n`);
  return { won, value: won ? value : parseJson<T>(path, content, schema) };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const field of path)
    at = typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[field] : undefined;
  return at;
}

function describe(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
