import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Reference values made by test/fixtures/statistics/make_fixtures.{py,R}. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/statistics/${name}`, import.meta.url), 'utf8')) as T;
}

/** Equal to `tolerance`, relative where the value is larger than 1. */
export function expectClose(got: number | null | undefined, wanted: number, what: string, tolerance = 1e-8): void {
  const distance = Math.abs((got ?? Number.NaN) - wanted) / Math.max(1, Math.abs(wanted));
  expect(distance, `${what}: expected ${wanted}, got ${got}`).toBeLessThanOrEqual(tolerance);
}
