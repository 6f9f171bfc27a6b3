import { z } from 'zod';

/** Kinds of values in model and sweep files. The message of each names its bound; the reader adds what came. */

export function whole(least: number, most: number) {
  const bound = `a whole number from ${least} to ${most}`;
  return z.int({ error: bound }).min(least, { error: bound }).max(most, { error: bound });
}

export function number(least: number, most: number) {
  const bound = `a number from ${least} to ${most}`;
  return z.number({ error: bound }).min(least, { error: bound }).max(most, { error: bound });
}

export function positive(most: number) {
  const bound = `a number above 0, at most ${most}`;
  return z.number({ error: bound }).positive({ error: bound }).max(most, { error: bound });
}

export function yesOrNo() {
  return z.boolean({ error: 'true or false' });
}

export function line(most: number) {
  const bound = `a text of 1 to ${most} characters in one line`;
  return z
    .string({ error: bound })
    .min(1, { error: bound })
    .max(most, { error: bound })
    .regex(/^[^\p{Cc}]*$/u, { error: bound });
}

const NAME_BOUND =
  'a name of 1 to 40 characters: lower-case letters, digits and hyphens, a letter or digit first and last';

/** Names become parts of run ids, folders, workflow ids and search attributes: no dot, no upper case. */
export function name() {
  return z
    .string({ error: NAME_BOUND })
    .max(40, { error: NAME_BOUND })
    .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, { error: NAME_BOUND });
}

const BYTES_BOUND = 'a size such as 512MiB or 2GiB';
const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** `512MiB` as bytes. */
export function bytes() {
  return z
    .string({ error: BYTES_BOUND })
    .regex(/^[0-9]+(?:\.[0-9]+)?(?:KiB|MiB|GiB|TiB)$/, { error: BYTES_BOUND })
    .transform((text) => Math.round(Number.parseFloat(text) * (UNITS[text.slice(-3)] ?? 1)));
}
