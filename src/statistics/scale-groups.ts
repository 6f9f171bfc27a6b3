import type { PrimaryMeasure } from './analysis.ts';
import type { RunContrastMeasures, RunMeasures } from './run-measures.ts';
import { byCodeUnit } from './run-scores.ts';
import type { ContrastTable } from './scale-tests.ts';
import type { RunRow } from './score-row.ts';

/** The runs of one arm at one scale that have a contrast, by seed. */
export interface ScaleGroup {
  readonly model: string;
  readonly family: string;
  readonly parameters: number;
  readonly scaleParameters: number;
  /** log10 of the non-embedding parameters. */
  readonly x: number;
  readonly runs: readonly { readonly run: RunRow; readonly contrast: RunContrastMeasures }[];
}

/** Scales of one arm, smallest first; a scale all of whose runs lack a contrast is left out. */
export function groupByScale(runs: readonly RunMeasures[], arm: string): ScaleGroup[] {
  const models = new Map<string, { run: RunRow; contrast: RunContrastMeasures }[]>();
  for (const { run, contrast } of runs) {
    if (run.arm !== arm || contrast === null) continue;
    const own = models.get(run.model) ?? [];
    own.push({ run, contrast });
    models.set(run.model, own);
  }
  return [...models.values()]
    .map((own): ScaleGroup => {
      own.sort((a, b) => a.run.seed - b.run.seed || byCodeUnit(a.run.run, b.run.run));
      const { model, family, parameters, scaleParameters } = (own[0] as { run: RunRow }).run;
      return { model, family, parameters, scaleParameters, x: Math.log10(scaleParameters), runs: own };
    })
    .sort((a, b) => a.x - b.x || byCodeUnit(a.model, b.model));
}

/** The smaller contrast of each run by scale: what the scale tests look at. */
export function contrastTable(groups: readonly ScaleGroup[], measure: PrimaryMeasure): ContrastTable {
  return tableOf(groups, ({ contrast }) => contrast.contrasts[measure].smaller);
}

export function tableOf(
  groups: readonly ScaleGroup[],
  value: (run: ScaleGroup['runs'][number], scale: number) => number,
): ContrastTable {
  const kept = groups
    .map((group, scale) => ({
      model: group.model,
      x: group.x,
      values: group.runs
        .map((run) => ({ seed: run.run.seed, value: value(run, scale) }))
        .filter((entry) => !Number.isNaN(entry.value)),
    }))
    .filter(({ values }) => values.length > 0);
  return {
    models: kept.map(({ model }) => model),
    x: kept.map(({ x }) => x),
    values: kept.map(({ values }) => values),
  };
}
