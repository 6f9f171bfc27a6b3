import { suggest } from '../experiment/suggest.ts';
import type { DrillRow } from './drill-row.ts';
import { DRILL_MATRIX } from './matrix.ts';

/** Thrown with the row that was probably meant. */
export class NoSuchRow extends Error {
  override readonly name = 'NoSuchRow';
}

/** The rows of `--only ROW,…`; all of them without it. */
export function selectedRows(only: string | undefined): readonly DrillRow[] {
  if (only === undefined) return DRILL_MATRIX;
  const names = DRILL_MATRIX.map(({ name }) => name);
  const asked = only.split(',').map((name) => name.trim());
  for (const name of asked) {
    if (names.includes(name)) continue;
    const meant = suggest(name, names);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw new NoSuchRow(`--only: expected rows out of ${names.join(', ')}; got "${name}"${hint}`);
  }
  return DRILL_MATRIX.filter(({ name }) => asked.includes(name));
}
