import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageResult } from '../artifacts/stage-result.ts';
import type { Store } from '../artifacts/store.ts';
import { mergeScoreTables, type SessionTable } from '../artifacts/tables/merge-score-tables.ts';
import { withTableDatabase } from '../artifacts/tables/table-database.ts';
import { replaceByQuery } from '../artifacts/tables/write-score-table.ts';
import { digestOf } from '../experiment/canonical-json.ts';
import type { Plan, PlanRun, PlanStage } from '../experiment/plan.ts';
import type { RunRow, SessionRow } from '../statistics/score-row.ts';
import { DatasetShelf, writeStageScores } from './stage-scores.ts';

export interface GatheredScores {
  /** Runs all of whose stages are done. */
  readonly wholeRuns: number;
  readonly missingRuns: readonly string[];
  readonly rows: number;
  /** Over the score files and steps that went in: equal digest, equal tables. */
  readonly tablesDigest: string;
}

/**
 * Writes `scores.parquet`, `runs.json` and `analysis.json` of a sweep into `tablesFolder` from the stages that are done. Runs without all of their stages
 * take part with the sessions they have, so that their learning shows; the analysis lists them as missing.
 */
export async function gatherTables(options: {
  readonly store: Store;
  readonly plan: Plan;
  readonly planHash: string;
  readonly tablesFolder: string;
  /** Called now and then: a long gathering is alive. */
  readonly onProgress?: (stagesDone: number, stages: number) => void;
}): Promise<GatheredScores> {
  const { store, plan, planHash, tablesFolder } = options;
  const datasets = new DatasetShelf(join(store.path, 'data'));
  const results = new Map<number, StageResult>();
  const tables = new Map<number, string>();
  await withTableDatabase(async (connection) => {
    for (const stage of plan.stages) {
      const folder = store.stage(stage.key);
      const result = await folder.result();
      if (result !== undefined) {
        results.set(stage.number, result);
        const path = await writeStageScores(folder, result, datasets, connection);
        if (path !== undefined) tables.set(stage.number, path);
      }
      options.onProgress?.(stage.number + 1, plan.stages.length);
    }
  });

  const scored = plan.runs.filter((run) => run.stages.some((number) => tables.has(number)));
  const sessions = scored.flatMap((run) =>
    run.stages.flatMap((number, session): SessionTable[] => {
      const path = tables.get(number);
      return path === undefined || sessionKind(plan.stages[number]) === undefined
        ? []
        : [{ run: run.id, session, path }];
    }),
  );
  const missingRuns = plan.runs.filter((run) => !run.stages.every((number) => results.has(number))).map(({ id }) => id);
  await mkdir(tablesFolder, { recursive: true });
  const rows = sessions.length === 0 ? 0 : await mergeScoreTables(sessions, join(tablesFolder, 'scores.parquet'));
  await writeJson(
    join(tablesFolder, 'runs.json'),
    scored.map((run) => runRow(run, plan, results)),
  );
  await writeJson(join(tablesFolder, 'analysis.json'), {
    ...plan.analysis,
    planHash,
    plannedRuns: plan.runs.map(({ id, arm }) => ({ run: id, arm })),
  });
  return {
    wholeRuns: plan.runs.length - missingRuns.length,
    missingRuns,
    rows,
    tablesDigest: digestOf({
      planHash,
      stages: [...results.values()].map(({ key, steps, anchors }) => ({
        key,
        steps,
        anchors: anchors.map(({ step, sha256 }) => ({ step, sha256 })),
      })),
    }),
  };
}

function runRow(run: PlanRun, plan: Plan, results: ReadonlyMap<number, StageResult>): RunRow {
  const model = plan.models.find(({ name }) => name === run.model);
  if (model === undefined) throw new Error(`expected model ${run.model} of run ${run.id} in the plan, found none`);
  return {
    run: run.id,
    arm: run.arm,
    model: run.model,
    family: model.spec.family,
    parameters: model.parameters,
    scaleParameters: model.scaleParameters,
    seed: run.seed,
    sessions: run.stages.flatMap((number, index): SessionRow[] => {
      const stage = plan.stages[number];
      const result = results.get(number);
      const kind = sessionKind(stage);
      if (stage === undefined || result === undefined || kind === undefined) return [];
      return [{ index, kind, stage: stage.key, lastStep: result.steps, stoppedBy: result.stoppedBy }];
    }),
  };
}

/** A retrained model is finetuned again; a filter or score stage is no training session. */
function sessionKind(stage: PlanStage | undefined): SessionRow['kind'] | undefined {
  switch (stage?.kind) {
    case 'pretrain':
    case 'align':
    case 'finetune':
    case 'review':
      return stage.kind;
    case 'retrain':
      return 'finetune';
    default:
      return undefined;
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await replaceByQuery(path, (temporary) => writeFile(temporary, `${JSON.stringify(value, null, 1)}\n`));
}
