import { describe, expect, it } from 'vitest';
import {
  chiSquareSurvival,
  fSurvival,
  normalQuantile,
  normalSurvival,
  studentQuantile,
  studentSurvival,
} from '../../src/statistics/distributions.ts';
import { holm } from '../../src/statistics/holm.ts';
import { logGamma, regularizedBeta, upperGamma } from '../../src/statistics/special-functions.ts';
import { expectClose, fixture } from './fixture.ts';

type Table = Record<string, number[][]>;

describe('distributions against scipy', () => {
  const reference = fixture<Table>('distributions.json');
  const functions: Record<string, (...values: number[]) => number> = {
    logGamma: (x) => logGamma(x as number),
    regularizedBeta: (x, a, b) => regularizedBeta(x as number, a as number, b as number),
    upperGamma: (a, x) => upperGamma(a as number, x as number),
    studentSurvival: (t, df) => studentSurvival(t as number, df as number),
    studentQuantile: (p, df) => studentQuantile(p as number, df as number),
    normalSurvival: (z) => normalSurvival(z as number),
    normalQuantile: (p) => normalQuantile(p as number),
    fSurvival: (f, a, b) => fSurvival(f as number, a as number, b as number),
    chiSquareSurvival: (x, df) => chiSquareSurvival(x as number, df as number),
  };

  for (const [name, compute] of Object.entries(functions)) {
    it(`${name} agrees to 1e-10`, () => {
      const rows = reference[name] ?? [];
      expect(rows.length).toBeGreaterThan(5);
      for (const row of rows) {
        const wanted = row.at(-1) as number;
        expectClose(compute(...row.slice(0, -1)), wanted, `${name}(${row.slice(0, -1).join(', ')})`, 1e-10);
      }
    });
  }

  it('keeps its relative accuracy in the tails', () => {
    for (const [t, df, wanted] of reference.studentSurvival as [number, number, number][]) {
      if (wanted < 1e-3) expect(studentSurvival(t, df) / wanted).toBeCloseTo(1, 8);
    }
    for (const [z, wanted] of reference.normalSurvival as [number, number][]) {
      expect(normalSurvival(z) / wanted).toBeCloseTo(1, 9);
    }
  });

  it("Holm's adjustment agrees with statsmodels", () => {
    for (const [p, adjusted] of fixture<{ holm: [number[], number[]][] }>('distributions.json').holm) {
      holm(p).forEach((value, i) => {
        expectClose(value, adjusted[i] as number, `holm(${p.join(', ')})`);
      });
    }
  });
});
