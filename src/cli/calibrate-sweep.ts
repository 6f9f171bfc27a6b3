import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInThread } from '../activities/thread/run-in-thread.ts';
import { hasCode } from '../artifacts/publish.ts';
import { replaceFile } from '../artifacts/replace-file.ts';
import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { Plan } from '../experiment/plan.ts';
import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import type { CalibrationOptions } from '../statistics/calibrate.ts';
import type { CalibrationRecord } from '../statistics/calibration-record.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { shownPath } from './project-folder.ts';
import { openStore } from './session.ts';
import { findSweep } from './sweeps.ts';
import { Output } from './terminal/output.ts';
import { renderTable } from './terminal/table.ts';

export interface CalibrateOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly sigma?: number;
  readonly tau: number;
  readonly replications?: number;
}

/** Simulates the decision table for a sweep's plan and keeps the record beside its tables, where the next analysis finds it. */
export async function calibrateSweep(name: string, options: CalibrateOptions): Promise<ExitCode> {
  const output = new Output(options);
  const store = await openStore(options.store);
  const sweep = await findSweep(store, name);
  const sigma = options.sigma ?? (await measuredSpread(sweep));
  const { analysis } = sweep.plan;
  const asked: CalibrationOptions = {
    ...scalesOf(sweep.plan),
    ...{ sigma, tau: options.tau, smallestEffect: analysis.smallestEffect, alpha: analysis.alpha },
    ...{ seed: analysis.seed, simulationDraws: analysis.simulationDraws },
    ...(options.replications === undefined ? {} : { replications: options.replications }),
  };
  output.say(
    `simulating sweeps of ${asked.x.length} scales × ${asked.seeds} seeds, spread ${sigma.toPrecision(3)}; this takes a minute or more`,
  );
  const began = Date.now();
  const ticking = setInterval(
    () => output.say(`still simulating, ${Math.round((Date.now() - began) / 1000)} s`),
    15_000,
  );
  const record = await runInThread<CalibrationRecord>(new URL('./calibrate-thread.ts', import.meta.url), asked).finally(
    () => clearInterval(ticking),
  );
  const path = join(sweep.folder.path, 'tables', 'calibration.json');
  await replaceFile(path, `${JSON.stringify(record, null, 1)}\n`);
  show(record, path, output);
  output.line(`kept in ${shownPath(path)}; to use it: lethe report ${sweep.id} --again`);
  return EXIT.done;
}

function show(record: CalibrationRecord, path: string, output: Output): void {
  output.record({
    event: 'end',
    calibration: path,
    falseSharp: record.falseSharp,
    power: record.power,
    truths: record.truths,
  });
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const rows = record.truths.map((each) => [
    each.truth,
    ...[each.sharp, each.gradual, each.notSupported, each.inconclusive].map(percent),
  ]);
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [{ title: 'truth' }, right('SHARP'), right('GRADUAL'), right('NOT SUPPORTED'), right('INCONCLUSIVE')];
  for (const line of renderTable(columns, rows)) output.line(line);
  output.line(
    `false SHARP ${percent(record.falseSharp)} (allowed: 6 %), power ${percent(record.power)} at a contrast of ${record.alternativeEffect}`,
  );
}

/** Positions of the scales and seeds at each, as the primary arm has them. */
function scalesOf(plan: Plan): { readonly x: readonly number[]; readonly seeds: number } {
  const primary = plan.runs.filter((run) => run.arm === plan.analysis.primaryArm);
  const models = new Set(primary.map((run) => run.model));
  const x = plan.models.filter((model) => models.has(model.name)).map((model) => Math.log10(model.scaleParameters));
  const seeds = Math.min(...[...models].map((model) => primary.filter((run) => run.model === model).length));
  return { x: x.sort((a, b) => a - b), seeds };
}

async function measuredSpread(sweep: StoredSweep): Promise<number> {
  const path = join(sweep.folder.path, 'report', 'analysis.json');
  try {
    const analysis: ForgettingAnalysis = JSON.parse(await readFile(path, 'utf8'));
    const { sigma } = analysis.tests.continuous;
    if (sigma !== null && sigma > 0) return sigma;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  throw new BadInput(
    `${sweep.id} has not measured the spread between seeds yet (no report with ≥ 2 seeds a scale): expected --sigma, from a pilot`,
  );
}
