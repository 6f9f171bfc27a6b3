import { name as nameSchema } from '../../experiment/file-values.ts';
import { BadInput } from '../exit-codes.ts';

/** A name that a person gave, checked. Throws `BadInput`. */
export function inputName(given: string): string {
  const read = nameSchema().safeParse(given);
  if (read.success) return read.data;
  throw new BadInput(`--name: expected ${read.error.issues[0]?.message}, got ${JSON.stringify(given)}`);
}
