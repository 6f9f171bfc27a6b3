import type { AnalysisPlan } from '../experiment/analysis-plan.ts';
import { digestOf } from '../experiment/canonical-json.ts';
import { EXAMPLE_CLASSES } from '../experiment/stage-spec.ts';
import type { ForgettingAnalysis, MissingRun, PrimaryMeasure } from './analysis.ts';
import { armForgetting, runContrasts, thresholdCurve } from './arm-forgetting.ts';
import type { CalibrationRecord } from './calibration-record.ts';
import { summarizeCalibration } from './calibration-summary.ts';
import { judgeControls } from './controls.ts';
import { meanCurves } from './curves.ts';
import { hierarchicalBootstrap } from './hierarchical-bootstrap.ts';
import { interleavedArms } from './interleaved.ts';
import { philoxKey } from './philox.ts';
import type { RunMeasures } from './run-measures.ts';
import { byCodeUnit } from './run-scores.ts';
import { meanOf } from './run-spread.ts';
import { contrastTable, groupByScale, type ScaleGroup } from './scale-groups.ts';
import type { MeasureTests } from './scale-test.ts';
import { measureTests, type TestOptions, withHolm } from './scale-tests.ts';
import { intersectionSensitivity } from './sensitivity.ts';
import { fitShapes } from './shape-fits.ts';
import { simulateNulls } from './simulated-nulls.ts';
import { decideVerdict, rawVerdict, type VerdictInput } from './verdict.ts';

export interface AnalysisInput {
  readonly plan: AnalysisPlan;
  /** null for tables that came without a plan. */
  readonly planHash: string | null;
  readonly runs: readonly RunMeasures[];
  /** Every run that was planned; absent: all models × seeds of each arm that has runs, and of the primary arm and the plan's controls. */
  readonly plannedRuns?: readonly { readonly run: string; readonly arm: string }[];
  readonly calibration: CalibrationRecord | null;
  readonly synthetic: string | null;
}

/** Streams of the bootstrap: arms are this far apart. */
const STREAMS_PER_ARM = 4096;

/** From the measures of the runs to every estimate, test and the verdict. Pure: equal input in any order of runs gives equal output. */
export function analyseForgetting(input: AnalysisInput): ForgettingAnalysis {
  const { plan, planHash } = input;
  const runs = [...input.runs].sort((a, b) => byCodeUnit(a.run.run, b.run.run));
  const key = philoxKey(planHash ?? digestOf(plan), plan.seed);
  const armNames = [...new Set(runs.map(({ run }) => run.arm))].sort(byCodeUnit);
  const groups = new Map(armNames.map((arm) => [arm, groupByScale(runs, arm)]));
  const groupsOf = (arm: string): readonly ScaleGroup[] => groups.get(arm) ?? [];
  const primary = groupsOf(plan.primaryArm);

  const arms = armNames
    .filter((arm) => groupsOf(arm).length > 0)
    .map((arm) => {
      const own = groupsOf(arm);
      const bootstraps = own.map((group, k) =>
        hierarchicalBootstrap({
          runs: group.runs.map(({ contrast }) => contrast),
          phi: plan.rougeDrop,
          draws: plan.bootstrapDraws,
          key,
          stream: armNames.indexOf(arm) * STREAMS_PER_ARM + k,
        }),
      );
      return armForgetting(arm, roleOf(arm, plan), own, bootstraps);
    });

  const counts = primary.map((group) => group.runs.length);
  const x = primary.map((group) => group.x);
  // Runs that learned nothing of a class have no contrast: the nulls are for the runs that the tests see.
  const tested = contrastTable(primary, 'continuous');
  const options: TestOptions = {
    smallestEffect: plan.smallestEffect,
    alpha: plan.alpha,
    nulls: simulateNulls({
      x: tested.x,
      counts: tested.values.map((cell) => cell.length),
      draws: plan.simulationDraws,
      alpha: plan.alpha,
      key,
    }),
    key,
  };
  const testsOn = (measure: PrimaryMeasure): MeasureTests => {
    const table = contrastTable(primary, measure);
    // Where nothing was learned there is nothing to contrast, at no scale.
    return table.models.length > 0 ? measureTests(table, options) : untested();
  };
  const tests = withHolm({ continuous: testsOn('continuous'), binary: testsOn('binary') });
  const shapesOf = (measure: PrimaryMeasure) => {
    const table = contrastTable(primary, measure);
    return fitShapes(
      table.values.map((cell) => cell.map(({ value }) => value)),
      table.x,
    );
  };
  const controls = judgeControls(plan, groupsOf);
  const { missing, planned } = missingRuns(input, runs);
  const seedCount = counts.length > 0 ? Math.min(...counts) : 0;
  const spanDecades = x.length > 0 ? (x.at(-1) as number) - (x[0] as number) : 0;
  const calibration = summarizeCalibration(input.calibration, {
    scales: primary.length,
    seeds: Math.max(0, ...counts),
    smallestEffect: plan.smallestEffect,
    alpha: plan.alpha,
    tests: tests.continuous,
  });
  const signs = signsAtTop(primary);
  const verdictInput: VerdictInput = {
    plan,
    tests,
    minimumDetectable: tests.continuous.minimumDetectable,
    signs,
    learned: (arms.find(({ arm }) => arm === plan.primaryArm)?.scales ?? []).flatMap(({ model, classes }) =>
      classes.map(({ class: name, learnedShare }) => ({ model, class: name, share: learnedShare })),
    ),
    controls,
    calibration,
    families: [...new Set(primary.map(({ family }) => family))].sort(byCodeUnit),
    plannedRuns: planned,
    missingRuns: missing.length,
    scales: primary.length,
    seeds: seedCount,
    spanDecades,
  };
  return {
    format: 'lethe-forgetting/1',
    plan,
    planHash,
    synthetic: input.synthetic,
    rows: runs.reduce((sum, run) => sum + run.rows, 0),
    scaleCount: primary.length,
    seedCount,
    spanDecades,
    arms,
    runs: armNames.flatMap((arm) => runContrasts(groupsOf(arm))),
    curves: meanCurves(runs),
    thresholds: thresholdCurve(primary),
    tests,
    shapes: { continuous: shapesOf('continuous'), binary: shapesOf('binary') },
    signs,
    controls,
    plannedRuns: planned,
    missing,
    sensitivity: intersectionSensitivity(
      primary,
      plan.rougeDrop,
      options,
      (own) => rawVerdict({ ...verdictInput, tests: own }).word,
    ),
    interleaved: interleavedArms(runs),
    calibration,
    notes: notesOf(primary, tests, plan, runs),
    verdict: decideVerdict(verdictInput),
  };
}

function roleOf(arm: string, plan: AnalysisPlan): 'primary' | 'control' | 'other' {
  if (arm === plan.primaryArm) return 'primary';
  return plan.controls.some((control) => control.arm === arm) ? 'control' : 'other';
}

/** Tests of a primary arm without a single run: nothing holds, nothing can be tested. */
function untested(): MeasureTests {
  return {
    cells: [],
    sigma: null,
    df: 0,
    unequalVariances: false,
    minimumDetectable: null,
    presence: { model: 'none', lowerBound: null, p: null, holds: false },
    absence: { model: 'none', interval: null, p: null, holds: false },
    noGapAtTop: false,
    gapAtBottom: false,
    trend: null,
    trendHolmP: null,
    onset: null,
    leaveLargestOut: null,
    daviesP: null,
    lackOfFitTau: null,
  };
}

function signsAtTop(primary: readonly ScaleGroup[]): ForgettingAnalysis['signs'] {
  const top = primary.at(-1);
  const sign = (measure: 'continuous' | 'nats' | 'relative'): -1 | 0 | 1 | null => {
    const mean = meanOf((top?.runs ?? []).map(({ contrast }) => contrast.contrasts[measure].smaller));
    return Number.isNaN(mean) ? null : (Math.sign(mean) as -1 | 0 | 1);
  };
  return { continuous: sign('continuous'), nats: sign('nats'), relative: sign('relative') };
}

/** Runs that the verdict needs (the primary arm and its controls) and that have no contrast, for want of rows or of anything learned. */
function missingRuns(input: AnalysisInput, runs: readonly RunMeasures[]): { missing: MissingRun[]; planned: number } {
  const { plan } = input;
  const needed = new Set([plan.primaryArm, ...plan.controls.map(({ arm }) => arm)]);
  const known = new Map(runs.map((run) => [run.run.run, run]));
  const planned = (input.plannedRuns ?? gridOf(runs, plan)).filter(({ arm }) => needed.has(arm));
  const missing = planned.flatMap(({ run, arm }): MissingRun[] => {
    const found = known.get(run);
    if (found === undefined) return [{ run, arm, why: 'it has no rows in the tables' }];
    if (found.contrast === null) return [{ run, arm, why: found.why }];
    const unlearned = EXAMPLE_CLASSES.filter((name) => Number.isNaN(found.contrast?.means[name].continuous));
    return unlearned.length > 0 ? [{ run, arm, why: `it learned no ${unlearned.join(', no ')} example` }] : [];
  });
  return { missing: missing.sort((a, b) => byCodeUnit(a.run, b.run)), planned: planned.length };
}

/** Without a list of planned runs: every model × seed of the arms present, named like the runs that are there. */
function gridOf(runs: readonly RunMeasures[], plan: AnalysisPlan): { run: string; arm: string }[] {
  const arms = new Set([plan.primaryArm, ...runs.map(({ run }) => run.arm)]);
  const models = [...new Set(runs.map(({ run }) => run.model))];
  const seeds = [...new Set(runs.map(({ run }) => run.seed))];
  const names = new Map(runs.map(({ run }) => [`${run.model}\n${run.arm}\n${run.seed}`, run.run]));
  return [...arms].flatMap((arm) =>
    models.flatMap((model) =>
      seeds.map((seed) => ({
        run: names.get(`${model}\n${arm}\n${seed}`) ?? `${model}.${arm}.s${seed}`,
        arm,
      })),
    ),
  );
}

function notesOf(
  primary: readonly ScaleGroup[],
  tests: Readonly<Record<PrimaryMeasure, MeasureTests>>,
  plan: AnalysisPlan,
  runs: readonly RunMeasures[],
): string[] {
  const notes: string[] = [];
  for (const [measure, own] of Object.entries(tests)) {
    if (own.unequalVariances) {
      notes.push(
        `${measure}: the scales' variances differ too much to pool, so each scale uses its own (presence, absence).`,
      );
    }
  }
  const fractions = primary.flatMap((group) => group.runs.map(({ contrast }) => contrast.anchors.fraction));
  const farthest = fractions.reduce((most, fraction) => Math.max(most, Math.abs(fraction - plan.anchorFraction)), 0);
  if (farthest > 0.05) {
    notes.push(
      `The review anchor nearest to ${plan.anchorFraction} of the review stands up to ${farthest.toFixed(2)} away from it.`,
    );
  }
  const other = runs.filter(({ run, contrast }) => run.arm !== plan.primaryArm && contrast === null);
  for (const { run, why } of other) notes.push(`Run ${run.run} has no contrast: ${why}.`);
  return notes;
}
