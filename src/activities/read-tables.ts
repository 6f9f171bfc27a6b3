import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../artifacts/publish.ts';
import { readJson, readJsonIfThere } from '../artifacts/read-json.ts';
import { BadTable, readScoreTable } from '../artifacts/tables/read-score-table.ts';
import { type AnalysisPlan, CONTROL_KINDS } from '../experiment/analysis-plan.ts';
import type { AnalysisInput } from '../statistics/analyse-forgetting.ts';
import { type CalibrationRecord, TRUTHS } from '../statistics/calibration-record.ts';
import { measureRun, type RunMeasures } from '../statistics/run-measures.ts';
import { RunScoresBuilder } from '../statistics/run-scores.ts';
import type { RunRow } from '../statistics/score-row.ts';

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

const runsSchema = z
  .array(
    z.looseObject({
      run: z.string().min(1),
      arm: z.string().min(1),
      model: z.string().min(1),
      family: z.string().min(1),
      parameters: z.number().positive(),
      scaleParameters: z.number().positive(),
      seed: z.int(),
      sessions: z.array(
        z.looseObject({
          index: count,
          kind: z.enum(['pretrain', 'align', 'finetune', 'review']),
          stage: z.string(),
          lastStep: count,
          stoppedBy: z.enum(['stop-rule', 'step-limit']),
        }),
      ),
    }),
  )
  .min(1, 'expected at least one run');

const analysisSchema = z.looseObject({
  format: z.literal('lethe-analysis/1'),
  primaryArm: z.string().min(1),
  controls: z.array(z.looseObject({ arm: z.string().min(1), kind: z.enum(CONTROL_KINDS) })),
  notion: z.string().min(1),
  anchorFraction: share,
  smallestEffect: z.number().positive().max(1),
  rougeDrop: share,
  alpha: z.number().positive().max(0.5),
  learnedShare: share,
  learnedProbability: share,
  bootstrapDraws: z.int().min(100).max(100_000),
  simulationDraws: z.int().min(1000).max(1_000_000),
  seed: z.int(),
  planHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
    .optional(),
  plannedRuns: z.array(z.looseObject({ run: z.string(), arm: z.string() })).optional(),
});

export const calibrationSchema = z.looseObject({
  format: z.literal('lethe-calibration/1'),
  scales: z.int().positive(),
  seeds: z.int().positive(),
  x: z.array(z.number()),
  sigma: z.number().positive(),
  tau: z.number().nonnegative(),
  smallestEffect: z.number().positive(),
  alpha: z.number().positive(),
  replications: z.int().positive(),
  simulationDraws: z.int().positive(),
  seed: z.int(),
  truths: z.array(
    z.looseObject({
      truth: z.enum(TRUTHS),
      sharp: share,
      gradual: share,
      notSupported: share,
      inconclusive: share,
    }),
  ),
  falseSharp: share,
  alternativeEffect: z.number(),
  power: share,
});

type AnalysisFile = AnalysisPlan & {
  readonly planHash?: string;
  readonly plannedRuns?: readonly { readonly run: string; readonly arm: string }[];
};

/**
 * Everything that an analysis needs from a tables folder (docs/formats.md, Tables), run by run, so that only measures stay in memory. Throws `BadFile` or `BadTable`,
 * which name file, field or column, and what came.
 */
export async function readTables(folder: string): Promise<AnalysisInput> {
  const runsPath = join(folder, 'runs.json');
  const { planHash, plannedRuns, ...plan } = await readJson<AnalysisFile>(
    join(folder, 'analysis.json'),
    analysisSchema,
  );
  const runRows = await readJson<readonly RunRow[]>(runsPath, runsSchema);
  const calibration = await readJsonIfThere<CalibrationRecord>(join(folder, 'calibration.json'), calibrationSchema);
  const rowOf = new Map(runRows.map((row) => [row.run, row]));
  if (rowOf.size < runRows.length) {
    const twice = runRows.find((row, i) => runRows.findIndex(({ run }) => run === row.run) < i);
    throw new BadTable(`${runsPath}: expected each run once, got ${twice?.run} twice`);
  }
  checkScales(runsPath, runRows);

  const runs: RunMeasures[] = [];
  await readScoreTable(folder, (columns) => {
    const row = rowOf.get(columns.run);
    if (row === undefined) {
      throw new BadTable(
        `${runsPath}: expected run ${columns.run}, of which the scores have rows, found ${rowOf.size} other runs`,
      );
    }
    const builder = new RunScoresBuilder(row, columns.examples);
    const known = new Set(row.sessions.map(({ index }) => index));
    for (let i = 0; i < columns.length; i += 1) {
      const session = columns.session[i] as number;
      if (!known.has(session)) {
        throw new BadTable(
          `${runsPath}: expected session ${session} of run ${columns.run}, of which the scores have rows, found sessions ${[...known].join(', ')}`,
        );
      }
      builder.add(
        session,
        columns.step[i] as number,
        columns.item[i] as number,
        (columns.sumLogProb[i] as number) / (columns.tokens[i] as number),
        columns.rouge1[i] as number,
        columns.exactMatch[i] === 1,
      );
    }
    runs.push(measureRun(builder.finish(), plan));
  });
  return {
    plan,
    planHash: planHash ?? null,
    runs,
    ...(plannedRuns && { plannedRuns }),
    calibration: calibration ?? null,
    synthetic: await readText(join(folder, 'SYNTHETIC')),
  };
}

/** One model is one scale: two sizes under one name would put runs of different scales into one mean. */
function checkScales(path: string, runs: readonly RunRow[]): void {
  const scaleOf = new Map<string, RunRow>();
  for (const row of runs) {
    const first = scaleOf.get(row.model) ?? row;
    scaleOf.set(row.model, first);
    if (first.scaleParameters === row.scaleParameters) continue;
    throw new BadTable(
      `${path}: expected one number of scaleParameters for model ${row.model}, got ${first.scaleParameters} (${first.run}) and ${row.scaleParameters} (${row.run})`,
    );
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
