import { type AnalysisInput, analyseForgetting } from '../../src/statistics/analyse-forgetting.ts';
import type { ForgettingAnalysis } from '../../src/statistics/analysis.ts';
import type { CalibrationRecord } from '../../src/statistics/calibration-record.ts';
import {
  PLANTED_DEFAULTS,
  type Planted,
  type PlantedOptions,
  type PlantedTables,
  plantedTables,
} from '../../src/statistics/planted-tables.ts';
import { measureRun, type RunMeasures } from '../../src/statistics/run-measures.ts';
import { runScoresOf } from '../../src/statistics/run-scores.ts';
import type { RunRow, ScoreRow } from '../../src/statistics/score-row.ts';

export interface Tampering {
  /** Changes the rows of a run before they are measured; an empty result drops the run. */
  readonly rows?: (rows: readonly ScoreRow[], run: RunRow) => readonly ScoreRow[];
  readonly input?: (input: AnalysisInput) => AnalysisInput;
  readonly calibration?: CalibrationRecord;
  readonly options?: Partial<PlantedOptions>;
}

interface Prepared {
  readonly tables: PlantedTables;
  readonly rows: ReadonlyMap<string, readonly ScoreRow[]>;
  readonly measures: ReadonlyMap<string, RunMeasures>;
}

const prepared = new Map<string, Prepared>();

/** Tables and measures that no test changes are made once. Few bootstrap draws: a verdict does not look at them. */
function prepare(planted: Planted, options: Partial<PlantedOptions> = {}): Prepared {
  const name = JSON.stringify([planted, options]);
  const known = prepared.get(name);
  if (known !== undefined) return known;
  const made = plantedTables(planted, { ...PLANTED_DEFAULTS, items: 40, ...options });
  const tables = { ...made, plan: { ...made.plan, bootstrapDraws: 100 } };
  const rows = new Map(tables.runs.map((run) => [run.run, tables.rowsOf(run)]));
  const measures = new Map(
    tables.runs.map((run) => [run.run, measureRun(runScoresOf(run, rows.get(run.run) ?? []), tables.plan)]),
  );
  const result = { tables, rows, measures };
  prepared.set(name, result);
  return result;
}

export function analysePlanted(planted: Planted, tampering: Tampering = {}): ForgettingAnalysis {
  const { tables, rows, measures } = prepare(planted, tampering.options);
  const runs = tables.runs.flatMap((run): RunMeasures[] => {
    const own = rows.get(run.run) ?? [];
    const changed = tampering.rows?.(own, run) ?? own;
    if (changed === own) return [measures.get(run.run) as RunMeasures];
    return changed.length === 0 ? [] : [measureRun(runScoresOf(run, changed), tables.plan)];
  });
  const input: AnalysisInput = {
    plan: tables.plan,
    planHash: null,
    runs,
    plannedRuns: tables.runs.map(({ run, arm }) => ({ run, arm })),
    calibration: tampering.calibration ?? null,
    synthetic: tables.synthetic,
  };
  return analyseForgetting(tampering.input?.(input) ?? input);
}
