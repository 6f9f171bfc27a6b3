import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRunScoreTable } from '../artifacts/tables/write-score-table.ts';
import { calibrate } from '../statistics/calibrate.ts';
import { PLANTED_DEFAULTS, type Planted, type PlantedOptions, plantedTables } from '../statistics/planted-tables.ts';
import { byCodeUnit } from '../statistics/run-scores.ts';

/** Writes a planted sweep as a tables folder. The hinge brings a calibration record, since SHARP needs one. */
export async function writePlantedTables(
  planted: Planted,
  folder: string,
  options: PlantedOptions = PLANTED_DEFAULTS,
): Promise<void> {
  const { runs, plan, rowsOf, synthetic } = plantedTables(planted, options);
  await mkdir(folder, { recursive: true });
  const ordered = [...runs].sort((a, b) => byCodeUnit(a.run, b.run));
  function* rows() {
    for (const run of ordered) yield* rowsOf(run);
  }
  await writeRunScoreTable(join(folder, 'scores.parquet'), rows());
  await writeFile(join(folder, 'runs.json'), `${JSON.stringify(runs, null, 1)}\n`);
  await writeFile(join(folder, 'analysis.json'), `${JSON.stringify(plan, null, 1)}\n`);
  await writeFile(join(folder, 'SYNTHETIC'), `${synthetic}\n`);
  const calibrationPath = join(folder, 'calibration.json');
  await rm(calibrationPath, { force: true });
  if (planted !== 'hinge') return;
  const x = [...new Set(runs.map(({ scaleParameters }) => Math.log10(scaleParameters)))].sort((a, b) => a - b);
  const record = calibrate({
    x,
    seeds: options.seeds,
    sigma: options.sigma,
    tau: 0,
    smallestEffect: plan.smallestEffect,
    alpha: plan.alpha,
    seed: plan.seed,
    simulationDraws: plan.simulationDraws,
  });
  await writeFile(calibrationPath, `${JSON.stringify(record, null, 1)}\n`);
}
