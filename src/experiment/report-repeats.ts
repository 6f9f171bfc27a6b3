import { type FieldPath, quote, type YamlSource } from './yaml-source.ts';

export function reportRepeats(
  source: YamlSource,
  field: FieldPath,
  values: readonly (string | number)[],
  what: string,
): void {
  const seen = new Set<string | number>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value))
      source.report(
        [...field, index],
        `expected ${what} once, got ${typeof value === 'string' ? quote(value) : value} again`,
      );
    seen.add(value);
  }
}
