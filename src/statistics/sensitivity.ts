import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import type { PrimaryMeasure, Sensitivity } from './analysis.ts';
import { PRIMARY_MEASURES } from './analysis.ts';
import { leastSquares } from './least-squares.ts';
import { type ClassItems, contrastsOf, isForgotten, meanOfArray } from './run-measures.ts';
import { estimatesByScale } from './run-spread.ts';
import { type ScaleGroup, tableOf } from './scale-groups.ts';
import type { MeasureTests } from './scale-test.ts';
import { measureTests, type TestOptions, withHolm } from './scale-tests.ts';

/**
 * The primary contrast on the items that the same seed learned at every scale, so that scales differ in nothing but forgetting. null when some class of some
 * run has no such item.
 */
export function intersectionSensitivity(
  groups: readonly ScaleGroup[],
  phi: number,
  options: TestOptions,
  rawWord: (tests: Readonly<Record<PrimaryMeasure, MeasureTests>>) => string,
): Sensitivity | null {
  if (groups.length === 0) return null;
  const shared = sharedItems(groups);
  const share = {} as Record<ExampleClass, number>;
  for (const name of EXAMPLE_CLASSES) {
    let kept = 0;
    let all = 0;
    for (const { runs } of groups) {
      for (const { run, contrast } of runs) {
        kept += shared.get(run.seed)?.[name].size ?? 0;
        all += contrast.items[name].examples.length;
      }
    }
    if (kept === 0) return null;
    share[name] = kept / all;
  }

  const contrastOn = (entry: ScaleGroup['runs'][number], measure: PrimaryMeasure): number => {
    const [unsafe, safe, task] = EXAMPLE_CLASSES.map((name) =>
      meanOn(entry.contrast.items[name], shared.get(entry.run.seed)?.[name] ?? new Set(), measure, phi),
    ) as [number, number, number];
    return contrastsOf(unsafe, safe, task).smaller;
  };
  const tables = Object.fromEntries(
    PRIMARY_MEASURES.map((measure) => [measure, tableOf(groups, (entry) => contrastOn(entry, measure))]),
  ) as Record<PrimaryMeasure, ReturnType<typeof tableOf>>;
  if (PRIMARY_MEASURES.some((measure) => tables[measure].models.length < groups.length)) return null;
  const tests = withHolm({
    continuous: measureTests(tables.continuous, options),
    binary: measureTests(tables.binary, options),
  });
  const nothing = groups.map(() => null);
  const estimates = (measure: PrimaryMeasure) =>
    estimatesByScale(
      tables[measure].values.map((cell) => cell.map(({ value }) => value)),
      nothing,
      nothing,
    );
  const continuous = estimates('continuous');
  const binary = estimates('binary');
  return {
    share,
    scales: groups.map(({ model, x }, k) => ({
      model,
      x,
      continuous: continuous[k] ?? null,
      binary: binary[k] ?? null,
    })),
    tests,
    raw: rawWord(tests),
    slopeOnLearnedShare: slopeOnLearnedShare(groups),
  };
}

/** For each seed and class the examples learned at every scale that has the seed. */
function sharedItems(groups: readonly ScaleGroup[]): Map<number, Record<ExampleClass, Set<string>>> {
  const shared = new Map<number, Record<ExampleClass, Set<string>>>();
  for (const { runs } of groups) {
    for (const { run, contrast } of runs) {
      const learned = Object.fromEntries(
        EXAMPLE_CLASSES.map((name) => {
          const items = contrast.items[name];
          return [name, new Set(items.examples.filter((_, i) => items.learned[i] === 1))];
        }),
      ) as Record<ExampleClass, Set<string>>;
      const known = shared.get(run.seed);
      if (known === undefined) shared.set(run.seed, learned);
      else {
        for (const name of EXAMPLE_CLASSES) {
          for (const example of known[name]) if (!learned[name].has(example)) known[name].delete(example);
        }
      }
    }
  }
  return shared;
}

function meanOn(items: ClassItems, kept: ReadonlySet<string>, measure: PrimaryMeasure, phi: number): number {
  const values: number[] = [];
  items.examples.forEach((example, i) => {
    if (!kept.has(example)) return;
    if (measure === 'continuous') values.push(items.probabilityDrop[i] as number);
    else values.push(isForgotten(items.rougeDrop[i] as number, phi) ? 1 : 0);
  });
  return meanOfArray(values);
}

function slopeOnLearnedShare(groups: readonly ScaleGroup[]): Sensitivity['slopeOnLearnedShare'] {
  const shares: number[] = [];
  const contrasts: number[] = [];
  for (const { runs } of groups) {
    for (const { contrast } of runs) {
      shares.push(Math.min(...EXAMPLE_CLASSES.map((name) => meanOfArray(contrast.items[name].learned))));
      contrasts.push(contrast.contrasts.continuous.smaller);
    }
  }
  const fit = leastSquares([shares.map(() => 1), shares], contrasts);
  if (fit === null || contrasts.some(Number.isNaN)) return null;
  const variance = (fit.inverse[1] as readonly number[])[1] as number;
  return {
    slope: fit.coefficients[1] as number,
    se: fit.df > 0 ? Math.sqrt((fit.rss / fit.df) * variance) : null,
  };
}
