import { EXAMPLE_CLASSES } from '../experiment/stage-spec.ts';
import type {
  ArmForgetting,
  ClassForgetting,
  Contrast,
  Estimate,
  Interval,
  LegacyDecomposition,
  Measure,
  RunContrast,
  ScaleForgetting,
  ThresholdPoint,
} from './analysis.ts';
import { CONTRASTS, MEASURES } from './analysis.ts';
import type { BootstrapIntervals } from './hierarchical-bootstrap.ts';
import { type ClassItems, contrastsOf, isForgotten, learnedValues, meanOfArray } from './run-measures.ts';
import { estimatesByScale, meanOf } from './run-spread.ts';
import type { ScaleGroup } from './scale-groups.ts';

/** φ from .05 to .95. */
const THRESHOLDS = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/** Every estimate of one arm. `bootstraps[k]` belongs to `groups[k]`. */
export function armForgetting(
  arm: string,
  role: ArmForgetting['role'],
  groups: readonly ScaleGroup[],
  bootstraps: readonly BootstrapIntervals[],
): ArmForgetting {
  const classEstimates = EXAMPLE_CLASSES.map((name) =>
    byMeasure((measure) =>
      estimates(
        groups,
        ({ contrast }) => contrast.means[name][measure],
        ({ contrast }) => contrast.seClustered[name][measure],
        bootstraps.map((own) => own.classes[name][measure] ?? null),
      ),
    ),
  );
  const contrastEstimates = byMeasure((measure) =>
    Object.fromEntries(
      CONTRASTS.map((contrast) => [
        contrast,
        estimates(
          groups,
          (run) => run.contrast.contrasts[measure][contrast],
          (run) => contrastError(run.contrast, measure, contrast),
          bootstraps.map((own) => own.contrasts[measure]?.[contrast] ?? null),
        ),
      ]),
    ),
  ) as Record<Measure, Record<Contrast, (Estimate | null)[]>>;

  const scales = groups.map((group, k): ScaleForgetting => {
    const { model, family, parameters, scaleParameters, x } = group;
    return {
      model,
      family,
      parameters,
      scaleParameters,
      x,
      seeds: group.runs.map(({ run }) => run.seed),
      anchorSteps: group.runs.map(({ contrast }) => contrast.anchors.review.step),
      anchorFractions: group.runs.map(({ contrast }) => contrast.anchors.fraction),
      classes: EXAMPLE_CLASSES.map((name, c): ClassForgetting => {
        const items = group.runs.map(({ contrast }) => contrast.items[name]);
        const shares = items.map((own) => meanOfArray(own.learned));
        const known = items.map((own) => own.knownBefore).filter((share) => !Number.isNaN(share));
        return {
          class: name,
          items: items.reduce((sum, own) => sum + own.examples.length, 0),
          learned: items.reduce((sum, own) => sum + countOf(own.learned), 0),
          clusters: meanOf(items.map((own) => new Set(own.clusters).size)),
          learnedShare: meanOf(shares),
          leastLearnedShare: Math.min(...shares),
          knownBefore: known.length > 0 ? meanOf(known) : null,
          measures: byMeasure((measure) => classEstimates[c]?.[measure]?.[k] ?? null),
          decomposition: decompose(items),
        };
      }),
      contrasts: byMeasure(
        (measure) =>
          Object.fromEntries(
            CONTRASTS.map((contrast) => [contrast, contrastEstimates[measure][contrast][k] ?? null]),
          ) as Record<Contrast, Estimate | null>,
      ),
    };
  });
  return { arm, role, scales };
}

/** The contrast of every run of a group: rows of the run-level table. */
export function runContrasts(groups: readonly ScaleGroup[]): RunContrast[] {
  return groups.flatMap(({ x, runs }) =>
    runs.map(
      ({ run, contrast }): RunContrast => ({
        run: run.run,
        arm: run.arm,
        model: run.model,
        seed: run.seed,
        x,
        contrasts: byMeasure(
          (measure) =>
            Object.fromEntries(CONTRASTS.map((name) => [name, orNull(contrast.contrasts[measure][name])])) as Record<
              Contrast,
              number | null
            >,
        ),
        seClustered: {
          continuous: nulled(contrast.contrastErrors.continuous),
          binary: nulled(contrast.contrastErrors.binary),
        },
      }),
    ),
  );
}

/** Binary forgetting under every threshold φ. */
export function thresholdCurve(groups: readonly ScaleGroup[]): ThresholdPoint[] {
  return groups.flatMap(({ model, x, runs }) =>
    THRESHOLDS.map((phi): ThresholdPoint => {
      const byRun = runs.map(({ contrast }) => {
        const share = (items: ClassItems): number =>
          meanOfArray(learnedValues(items, (i) => (isForgotten(items.rougeDrop[i] as number, phi) ? 1 : 0)).values);
        const [unsafe, safe, task] = EXAMPLE_CLASSES.map((name) => share(contrast.items[name])) as [
          number,
          number,
          number,
        ];
        return { unsafe, safe, task, smaller: contrastsOf(unsafe, safe, task).smaller };
      });
      return {
        model,
        x,
        phi,
        unsafe: orNull(meanOf(byRun.map((run) => run.unsafe))),
        safe: orNull(meanOf(byRun.map((run) => run.safe))),
        task: orNull(meanOf(byRun.map((run) => run.task))),
        smaller: orNull(meanOf(byRun.map((run) => run.smaller))),
      };
    }),
  );
}

type Entry = ScaleGroup['runs'][number];

function estimates(
  groups: readonly ScaleGroup[],
  value: (run: Entry) => number,
  error: (run: Entry) => number,
  bootstraps: readonly (Interval | null)[],
): (Estimate | null)[] {
  const kept = groups.map(({ runs }) => runs.filter((run) => !Number.isNaN(value(run))));
  return estimatesByScale(
    kept.map((runs) => runs.map(value)),
    kept.map((runs) => orNull(errorOfMean(runs.map(error)))),
    bootstraps,
  );
}

/** Standard error of the mean of independent runs from their own errors. */
function errorOfMean(errors: readonly number[]): number {
  let squares = 0;
  for (const error of errors) squares += error * error;
  return errors.length > 0 ? Math.sqrt(squares) / errors.length : Number.NaN;
}

/** The error of the smaller contrast is that of the contrast which is the smaller. */
function contrastError(run: Entry['contrast'], measure: Measure, contrast: Contrast): number {
  if (measure !== 'continuous' && measure !== 'binary') return Number.NaN;
  const errors = run.contrastErrors[measure];
  if (contrast !== 'smaller') return errors[contrast];
  const values = run.contrasts[measure];
  return values['unsafe-safe'] <= values['unsafe-task'] ? errors['unsafe-safe'] : errors['unsafe-task'];
}

/** Over the items of all runs of the scale, each run weighted equally. */
function decompose(items: readonly ClassItems[]): LegacyDecomposition {
  const parts = items.map((own) => {
    let learned = 0;
    let sumLearned = 0;
    let sumNot = 0;
    for (let i = 0; i < own.learned.length; i += 1) {
      const drop = own.rougeDrop[i] as number;
      if (own.learned[i] === 1) {
        learned += 1;
        sumLearned += drop;
      } else sumNot += drop;
    }
    const n = own.learned.length;
    return { share: learned / n, partLearned: sumLearned / n, partNot: sumNot / n };
  });
  const share = meanOf(parts.map((part) => part.share));
  const partLearned = meanOf(parts.map((part) => part.partLearned));
  const partNot = meanOf(parts.map((part) => part.partNot));
  return {
    rate: partLearned + partNot,
    shareLearned: share,
    rateLearned: share > 0 ? partLearned / share : null,
    rateNotLearned: share < 1 ? partNot / (1 - share) : null,
  };
}

function byMeasure<T>(make: (measure: Measure) => T): Record<Measure, T> {
  return Object.fromEntries(MEASURES.map((measure) => [measure, make(measure)])) as Record<Measure, T>;
}

function countOf(flags: Uint8Array): number {
  let count = 0;
  for (const flag of flags) count += flag;
  return count;
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function nulled(values: Readonly<Record<'unsafe-safe' | 'unsafe-task', number>>) {
  return { 'unsafe-safe': orNull(values['unsafe-safe']), 'unsafe-task': orNull(values['unsafe-task']) };
}
