import { describe, expect, it } from 'vitest';
import { clusteredError, clusteredErrorOfDifference } from '../../src/statistics/clustered-error.ts';
import { expectClose, fixture } from './fixture.ts';

interface Sample {
  readonly values: number[];
  readonly clusters: number[];
}

describe('clustered standard error', () => {
  it('of a mean equals statsmodels and sandwich', () => {
    const cases = [
      ...fixture<{ means: (Sample & { se: number })[] }>('clustered.json').means,
      ...fixture<{ clustered: (Sample & { se: number })[] }>('r.json').clustered,
    ];
    expect(cases.length).toBe(6);
    for (const { values, clusters, se } of cases) expectClose(clusteredError(values, clusters), se, 'clustered se');
  });

  it('of a difference equals statsmodels, with shared and with separate clusters', () => {
    const { differences } = fixture<{ differences: { a: Sample; b: Sample; se: number }[] }>('clustered.json');
    for (const { a, b, se } of differences) expectClose(clusteredErrorOfDifference(a, b), se, 'clustered difference');
  });

  it('equals the plain standard error when every item is its own cluster', () => {
    const values = [0.1, 0.4, 0.35, 0.8];
    const mean = values.reduce((a, b) => a + b) / 4;
    const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 3);
    expectClose(clusteredError(values, [0, 1, 2, 3]), sd / 2, 'plain se');
  });

  it('is unknown with a single cluster', () => {
    expect(clusteredError([1, 2, 3], [4, 4, 4])).toBeNaN();
  });
});
