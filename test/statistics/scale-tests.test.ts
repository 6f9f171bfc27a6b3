import { describe, expect, it } from 'vitest';
import { daviesTest } from '../../src/statistics/davies-test.ts';
import { philoxKey } from '../../src/statistics/philox.ts';
import type { Shape } from '../../src/statistics/scale-test.ts';
import { type ContrastTable, measureTests, withHolm } from '../../src/statistics/scale-tests.ts';
import { fitShapes } from '../../src/statistics/shape-fits.ts';
import { simulateNulls } from '../../src/statistics/simulated-nulls.ts';
import { trendTest } from '../../src/statistics/trend-test.ts';
import { expectClose, fixture } from './fixture.ts';

interface Prediction {
  readonly predicted: number;
  readonly interval: [number, number];
}

interface Case {
  readonly truth: string;
  readonly x: number[];
  readonly values: number[][];
  readonly sigma: number;
  readonly df: number;
  readonly means: number[];
  readonly se: number;
  readonly presence: { readonly lowerBound: number; readonly p: number };
  readonly absence: { readonly interval: [number, number]; readonly p: number };
  readonly minimumDetectable: number;
  readonly onset: {
    readonly statistic: number;
    readonly onsetX: number;
    readonly p: number;
    readonly pError: number;
    readonly critical: number;
  };
  readonly varianceRatio: number;
  readonly trend: {
    readonly slope: number;
    readonly p?: number;
    readonly jonckheere?: number;
    readonly jonckheereP?: number;
    readonly permutations?: number;
  };
  readonly leaveLargestOut: { readonly observed: number; readonly line: Prediction; readonly logistic?: Prediction };
  readonly shapes: Readonly<
    Partial<Record<Shape, { readonly rss: number; readonly aicc: number | null } & Record<string, number | null>>>
  >;
}

const KEY = philoxKey('a'.repeat(64), 1);
const DRAWS = 20_000;
const ALPHA = 0.05;

function tableOf({ x, values }: Pick<Case, 'x' | 'values'>): ContrastTable {
  return {
    models: x.map((_, k) => `m${k}`),
    x,
    values: values.map((cell) => cell.map((value, seed) => ({ seed, value }))),
  };
}

function testsOf(own: Pick<Case, 'x' | 'values'>) {
  const nulls = simulateNulls({
    x: own.x,
    counts: own.values.map((cell) => cell.length),
    draws: DRAWS,
    alpha: ALPHA,
    key: KEY,
  });
  return { nulls, tests: measureTests(tableOf(own), { smallestEffect: 0.1, alpha: ALPHA, nulls, key: KEY }) };
}

const { cases } = fixture<{ cases: Case[] }>('scale-tests.json');

for (const own of cases) {
  describe(`scale tests of a ${own.truth} with ${own.x.length} scales and ${own.values[0]?.length} seeds`, () => {
    const { nulls, tests } = testsOf(own);

    it('pools the spread between seeds', () => {
      expectClose(tests.sigma, own.sigma, 'sigma');
      expect(tests.df).toBe(own.df);
      tests.cells.forEach((cell, k) => {
        expectClose(cell.mean, own.means[k] as number, `mean ${k}`);
        if (!tests.unequalVariances) expectClose(cell.se, own.se, `se ${k}`);
      });
    });

    it('tests presence and absence like scipy', () => {
      expect(tests.unequalVariances).toBe(false);
      expectClose(tests.presence.lowerBound, own.presence.lowerBound, 'lower bound');
      expectClose(tests.presence.p, own.presence.p, 'presence p');
      expectClose(tests.absence.interval?.[0], own.absence.interval[0], 'interval');
      expectClose(tests.absence.interval?.[1], own.absence.interval[1], 'interval');
      expectClose(tests.absence.p, own.absence.p, 'absence p');
      expectClose(tests.minimumDetectable, own.minimumDetectable, 'minimum detectable');
    });

    it('tests the onset: statistic exactly, p and critical value within 3 Monte-Carlo errors', () => {
      expectClose(tests.onset?.statistic, own.onset.statistic, 'onset statistic');
      expectClose(tests.onset?.onsetX, own.onset.onsetX, 'onset x');
      const { p, pError } = own.onset;
      const error = Math.sqrt((Math.max(p, 1e-4) * (1 - p)) / DRAWS) + pError;
      expect(Math.abs((tests.onset?.p ?? 1) - p)).toBeLessThan(3 * error + 1 / DRAWS);
      expect(Math.abs((tests.onset?.critical ?? 0) / own.onset.critical - 1)).toBeLessThan(0.05);
      expect(Math.abs(nulls.varianceRatio / own.varianceRatio - 1)).toBeLessThan(
        own.values[0]?.length === 2 ? 0.25 : 0.1,
      );
    });

    it('fits the shapes like statsmodels and scipy', () => {
      const fits = fitShapes(own.values, own.x);
      for (const [shape, wanted] of Object.entries(own.shapes)) {
        const fit = fits.find((candidate) => candidate.shape === shape);
        expectClose(fit?.rss, wanted.rss, `${shape} rss`);
        if (wanted.aicc !== null) expectClose(fit?.aicc, wanted.aicc, `${shape} aicc`, 1e-7);
        for (const name of ['slope', 'top', 'middle', 'width']) {
          if (name in wanted) expectClose(fit?.parameters[name], wanted[name] as number, `${shape} ${name}`, 1e-5);
        }
      }
      const weights = fits.flatMap(({ weight }) => (weight === null ? [] : [weight]));
      expectClose(
        weights.reduce((sum, weight) => sum + weight, 0),
        1,
        'Akaike weights',
      );
    });

    it('predicts the largest scale from the smaller ones', () => {
      const got = tests.leaveLargestOut;
      const { observed, line, logistic } = own.leaveLargestOut;
      expectClose(got?.observed, observed, 'observed');
      expectClose(got?.line?.predicted, line.predicted, 'line');
      expectClose(got?.line?.interval[0], line.interval[0], 'line interval');
      expectClose(got?.line?.interval[1], line.interval[1], 'line interval');
      if (logistic === undefined) return;
      expectClose(got?.logistic?.predicted, logistic.predicted, 'logistic', 1e-5);
      expectClose(got?.logistic?.interval[0], logistic.interval[0], 'logistic interval', 1e-4);
      expectClose(got?.logistic?.interval[1], logistic.interval[1], 'logistic interval', 1e-4);
    });

    it('tests the trend by permutation within seeds', () => {
      expectClose(tests.trend?.slope, own.trend.slope, 'slope');
      if (own.trend.p === undefined) {
        expect(tests.trend?.exact).toBe(false);
        return;
      }
      expect(tests.trend?.permutations).toBe(own.trend.permutations);
      expectClose(tests.trend?.p, own.trend.p, 'trend p');
      expect(tests.trend?.jonckheere).toBe(own.trend.jonckheere);
      expectClose(tests.trend?.jonckheereP, own.trend.jonckheereP as number, 'Jonckheere p');
    });
  });
}

describe('trend by sampled permutations', () => {
  it('agrees with the exact test within 3 Monte-Carlo errors', () => {
    // Four scales and three seeds are exact (13,824); a fourth seed (331,776) is sampled. Under no trend p is uniform: compare with the exact p of a rank-free twin.
    const x = [1, 2, 3, 4];
    const values = [
      [0.1, 0.2, 0.15, 0.12],
      [0.12, 0.22, 0.13, 0.17],
      [0.16, 0.19, 0.19, 0.11],
      [0.18, 0.24, 0.14, 0.2],
    ];
    const rows = values.flatMap((cell, scale) => cell.map((value, seed) => ({ scale, seed, value })));
    const sampled = trendTest(rows, x, KEY);
    expect(sampled?.exact).toBe(false);
    // The exact distribution of the slope is the convolution of the four seeds' distributions.
    const sums = [0, 1, 2, 3].map((seed) => slopesOfPermutations(values.map((cell) => cell[seed] as number)));
    const observed = sums.reduce((sum, own) => sum + (own[0] as number), 0);
    let hits = 0;
    for (const a of sums[0] as number[])
      for (const b of sums[1] as number[])
        for (const c of sums[2] as number[])
          for (const d of sums[3] as number[]) if (a + b + c + d >= observed - 1e-12) hits += 1;
    const exact = hits / 24 ** 4;
    expect(Math.abs((sampled?.p ?? 1) - exact)).toBeLessThan(3 * Math.sqrt((exact * (1 - exact)) / 10_000) + 1e-4);
  });

  it('is missing with one scale', () => {
    expect(trendTest([{ scale: 0, seed: 1, value: 0.2 }], [5], KEY)).toBeNull();
  });
});

/** Σ x·y over all orders of y, the given order first. */
function slopesOfPermutations(y: readonly number[]): number[] {
  const result: number[] = [];
  const visit = (rest: readonly number[], position: number, sum: number): void => {
    if (rest.length === 0) result.push(sum);
    rest.forEach((value, i) => {
      visit([...rest.slice(0, i), ...rest.slice(i + 1)], position + 1, sum + (position - 1.5) * value);
    });
  };
  visit(y, 0, 0);
  return result;
}

describe('Davies’ test', () => {
  it('equals davies.test of segmented', () => {
    for (const { x, y, onsets, p } of fixture<{ davies: { x: number[]; y: number[]; onsets: number[]; p: number }[] }>(
      'r.json',
    ).davies) {
      expectClose(daviesTest(x, y, onsets), p, 'Davies p');
    }
  });
});

describe('the onset test', () => {
  it('is one-sided: a curve that levels off has no onset', () => {
    const { tests } = testsOf({
      x: [4, 5, 6, 7],
      values: [
        [0, 0.02, 0.01],
        [0.4, 0.41, 0.43],
        [0.55, 0.57, 0.58],
        [0.6, 0.61, 0.59],
      ],
    });
    expect(tests.onset?.statistic).toBeLessThan(0);
    expect(tests.onset?.p).toBeGreaterThan(0.95);
    expect(tests.onset?.tippingTau).toBeNull();
  });

  it('has a tipping point at which the statistic equals its critical value', () => {
    const values = [
      [0, 0.02, -0.02],
      [0.01, -0.02, 0.02],
      [0.1, 0.13, 0.09],
      [0.6, 0.62, 0.57],
    ];
    const { tests } = testsOf({ x: [4, 5, 6, 7], values });
    const { statistic, critical, tippingTau } = tests.onset ?? { statistic: 0, critical: 0, tippingTau: 0 };
    const variance = (tests.sigma ?? 0) ** 2;
    // Adding τ² to the variance of each mean divides T by √(1 + S·τ²/σ̂²).
    expectClose(statistic / Math.sqrt(1 + (3 * (tippingTau ?? 0) ** 2) / variance), critical, 'T at the tipping point');
  });
});

describe('limits of the tests', () => {
  it('has no onset test with three scales', () => {
    const { tests } = testsOf({
      x: [4, 5, 6],
      values: [
        [0, 0.01],
        [0.1, 0.12],
        [0.5, 0.52],
      ],
    });
    expect(tests.onset).toBeNull();
    expect(tests.presence.holds).toBe(true);
  });

  it('tests nothing with one seed', () => {
    const { tests } = testsOf({ x: [4, 5, 6, 7], values: [[0], [0.01], [0.3], [0.6]] });
    expect(tests).toMatchObject({ sigma: null, df: 0, onset: null, minimumDetectable: null });
    expect([tests.presence.holds, tests.absence.holds, tests.noGapAtTop, tests.gapAtBottom]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('gives each scale its own variance only when they differ beyond chance', () => {
    const values = [
      [0.001, 0, -0.001, 0.0005],
      [0.2, 0.6, 0.4, 0.1],
      [0.3, 0.31, 0.29, 0.3],
      [0.5, 0.52, 0.48, 0.5],
    ];
    const { tests } = testsOf({ x: [4, 5, 6, 7], values });
    expect(tests.unequalVariances).toBe(true);
    expect(tests.cells.map(({ df }) => df)).toEqual([3, 3, 3, 3]);
    // Three seeds, equal variances, ratio above 9: common by chance, so the pooled variance stays.
    const chance = [
      [0.1, 0.11, 0.12],
      [0.2, 0.25, 0.16],
      [0.3, 0.33, 0.27],
      [0.4, 0.42, 0.45],
    ];
    expect(testsOf({ x: [4, 5, 6, 7], values: chance }).tests.unequalVariances).toBe(false);
  });

  it('adjusts the trend over both measures', () => {
    const { tests } = testsOf(cases[0] as Case);
    const adjusted = withHolm({ continuous: tests, binary: tests });
    expectClose(adjusted.continuous.trendHolmP, Math.min(1, 2 * (tests.trend?.p ?? 1)), 'Holm p');
  });
});
