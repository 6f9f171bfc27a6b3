import { daviesTest } from './davies-test.ts';
import { holm } from './holm.ts';
import { leaveLargestOut } from './leave-largest-out.ts';
import { onsetDirections } from './onset-directions.ts';
import { onsetTest } from './onset-test.ts';
import type { PhiloxKey } from './philox.ts';
import { equivalenceTest, presenceTest } from './presence-absence.ts';
import { cachedQuantile, runSpread } from './run-spread.ts';
import type { MeasureTests, ScaleCell } from './scale-test.ts';
import { lackOfFit } from './shape-fits.ts';
import type { SimulatedNulls } from './simulated-nulls.ts';
import { type TrendValue, trendTest } from './trend-test.ts';

/** The contrast of each run of one measure, by scale from the smallest. */
export interface ContrastTable {
  readonly models: readonly string[];
  readonly x: readonly number[];
  /** `values[k]` sorted by seed. */
  readonly values: readonly (readonly { readonly seed: number; readonly value: number }[])[];
}

export interface TestOptions {
  readonly smallestEffect: number;
  readonly alpha: number;
  readonly nulls: SimulatedNulls;
  readonly key: PhiloxKey;
}

const UNEQUAL_RATIO = 9;
const POWER = 0.8;

/** What decides: presence, absence and onset. Cheap, so that calibration can run it thousands of times. */
export type DecidingTests = Pick<
  MeasureTests,
  'cells' | 'sigma' | 'df' | 'unequalVariances' | 'presence' | 'absence' | 'noGapAtTop' | 'gapAtBottom' | 'onset'
>;

export function decidingTests(table: ContrastTable, options: TestOptions): DecidingTests {
  const { smallestEffect, alpha, nulls } = options;
  const spread = runSpread(table.values.map((cell) => cell.map(({ value }) => value)));
  const unequalVariances = variancesDiffer(spread.variances, nulls.varianceRatio);
  const cells = table.models.map((model, k): ScaleCell => {
    const seeds = spread.counts[k] as number;
    const own = unequalVariances && seeds > 1;
    const df = own ? seeds - 1 : spread.df;
    const sd = own ? Math.sqrt(spread.variances[k] as number) : spread.sigma;
    const testable = df > 0 && seeds > 0;
    return {
      model,
      x: table.x[k] as number,
      seeds,
      mean: spread.means[k] as number,
      se: testable ? sd / Math.sqrt(seeds) : null,
      df: testable ? df : null,
    };
  });
  const bottom = cells[0] as ScaleCell;
  const top = cells[cells.length - 1] as ScaleCell;
  return {
    cells,
    sigma: spread.df > 0 ? spread.sigma : null,
    df: spread.df,
    unequalVariances,
    presence: presenceTest(top, smallestEffect, alpha),
    absence: equivalenceTest(bottom, smallestEffect, alpha),
    noGapAtTop: boundOf(top, alpha, 1) < smallestEffect,
    gapAtBottom: boundOf(bottom, alpha, -1) > smallestEffect,
    onset: onsetTest(spread, table.x, nulls, alpha),
  };
}

/** All tests of one measure; Holm's adjustment is filled in by `withHolm`. */
export function measureTests(table: ContrastTable, options: TestOptions): MeasureTests {
  const deciding = decidingTests(table, options);
  const values = table.values.map((cell) => cell.map(({ value }) => value));
  const top = deciding.cells[deciding.cells.length - 1] as ScaleCell;
  const trendValues = table.values.flatMap((cell, scale) =>
    cell.map(({ seed, value }): TrendValue => ({ scale, seed, value })),
  );
  const onsets = onsetDirections(
    table.x,
    table.x.map(() => 1),
  ).map((direction) => direction.onset);
  const lack = lackOfFit(values, table.x);
  return {
    ...deciding,
    minimumDetectable:
      top.se === null || top.df === null
        ? null
        : options.smallestEffect + (cachedQuantile(1 - options.alpha, top.df) + cachedQuantile(POWER, top.df)) * top.se,
    trend: trendTest(trendValues, table.x, options.key),
    trendHolmP: null,
    leaveLargestOut: leaveLargestOut(values, table.x),
    daviesP:
      onsets.length === 0
        ? null
        : daviesTest(
            trendValues.map(({ scale }) => table.x[scale] as number),
            trendValues.map(({ value }) => value),
            onsets,
          ),
    lackOfFitTau: lack?.tau ?? null,
    lackOfFitP: lack?.p ?? null,
  };
}

/** Holm over the primary measures. */
export function withHolm<Name extends string>(tests: Readonly<Record<Name, MeasureTests>>): Record<Name, MeasureTests> {
  const names = Object.keys(tests) as Name[];
  const tested = names.filter((name) => tests[name].trend?.p != null);
  const adjusted = holm(tested.map((name) => tests[name].trend?.p as number));
  const result = { ...tests } as Record<Name, MeasureTests>;
  tested.forEach((name, index) => {
    result[name] = { ...tests[name], trendHolmP: adjusted[index] as number };
  });
  return result;
}

/** One-sided bound at 1 − α: above (side 1) or below (side −1) the mean; NaN where it cannot be tested, so that no comparison holds. */
function boundOf(cell: ScaleCell, alpha: number, side: 1 | -1): number {
  if (cell.se === null || cell.df === null) return Number.NaN;
  return cell.mean + side * cachedQuantile(1 - alpha, cell.df) * cell.se;
}

/**
 * A ratio of variances above 9 is common by chance with three seeds, so it must also be rarer than α under equal variances (simulated): only then does each scale
 * use its own variance and degrees of freedom.
 */
function variancesDiffer(variances: readonly number[], criticalRatio: number): boolean {
  const known = variances.filter((variance) => !Number.isNaN(variance));
  if (known.length < 2 || Number.isNaN(criticalRatio)) return false;
  const most = Math.max(...known);
  if (most === 0) return false;
  return most / Math.min(...known) > Math.max(UNEQUAL_RATIO, criticalRatio);
}
