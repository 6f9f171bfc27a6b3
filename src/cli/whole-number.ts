import { BadInput } from './exit-codes.ts';

/** The number that a person gave with a flag. Throws `BadInput`. */
export function wholeNumber(flag: string, given: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const number = Number(given);
  if (given.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  const range = most === Number.POSITIVE_INFINITY ? `≥ ${least}` : `from ${least} to ${most}`;
  throw new BadInput(`${flag}: expected a whole number ${range}, got "${given}"`);
}

/** 0 takes a free one. */
export function portNumber(flag: string, given: string): number {
  return wholeNumber(flag, given, 0, 65_535);
}
