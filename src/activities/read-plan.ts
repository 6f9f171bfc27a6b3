import { readdir } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { hasCode } from '../artifacts/publish.ts';
import { BadFile } from '../artifacts/read-json.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import type { PlanStage } from '../experiment/plan.ts';
import type { Execution } from '../experiment/sweep.ts';
import type { ActivityParts } from './activity-parts.ts';
import { decideNext, parkedReason } from './decide-next.ts';
import type { PlanPage, ScheduledRun, ScheduledStage } from './plan-page.ts';
import { readControl } from './save-control.ts';

/** Under the 256 KB from which the server warns. */
const PAGE_BYTES = 200_000;

export interface ReadPlanRequest {
  readonly sweepId: string;
  readonly planHash: string;
  /** Stages are entries 0 …, runs follow them. */
  readonly from: number;
}

/** One page of the frozen plan with what the store says of each stage. The plan is checked against its hash. */
export function makeReadPlan(parts: ActivityParts) {
  const { store } = parts;
  return async function readPlan(request: ReadPlanRequest): Promise<PlanPage> {
    const { plan, planHash } = await parts.plans.of(request.sweepId);
    if (planHash !== request.planHash) {
      const message = `${request.sweepId}: expected a plan with hash ${request.planHash}, got one that hashes to ${planHash}`;
      throw ApplicationFailure.nonRetryable(message, 'config');
    }
    const parameters = new Map(plan.models.map((model) => [model.name, model.parameters]));
    const started = await stagesWithFolder(store.stagesPath);
    const execution = await new SweepFolder(store, request.sweepId).execution();
    const stages: ScheduledStage[] = [];
    const runs: ScheduledRun[] = [];
    const entries = plan.stages.length + plan.runs.length;
    let bytes = 0;
    let entry = request.from;
    for (; entry < entries && bytes < PAGE_BYTES; entry += 1) {
      const stage = plan.stages[entry];
      const run = plan.runs[entry - plan.stages.length];
      if (stage !== undefined) {
        const scheduled = await scheduledStage(parts, execution, stage, parameters.get(stage.model) ?? 0, started);
        stages.push(scheduled);
        bytes += JSON.stringify(scheduled).length;
      } else if (run !== undefined) {
        runs.push({ id: run.id, arm: run.arm, stages: run.stages });
        bytes += JSON.stringify(runs.at(-1)).length;
      }
    }
    if (entry < entries) return { stages, runs, next: entry };
    return { stages, runs, control: await readControl(store, request.sweepId) };
  };
}

async function scheduledStage(
  parts: ActivityParts,
  execution: Execution,
  stage: PlanStage,
  parameters: number,
  started: ReadonlySet<string>,
): Promise<ScheduledStage> {
  const { number, key, kind, model, seed, label, parents } = stage;
  const asked = { number, key, kind, model, seed, label, parents, parameters };
  if (!started.has(key)) return { ...asked, state: 'open' };
  const folder = parts.store.stage(key);
  const history = await folder.history().catch(undefinedWhenDamaged);
  // Its own workflow parks it, with the file's name.
  if (history === undefined) return { ...asked, state: 'open' };
  if (history.result !== undefined) return { ...asked, state: 'done' };
  if (history.open !== undefined || history.evidence.length === 0) return { ...asked, state: 'open' };
  const next = decideNext(parts, execution, stage.spec, history);
  if (next.kind === 'launch') return { ...asked, state: 'open' };
  return { ...asked, state: 'parked', parked: parkedReason(next) };
}

function undefinedWhenDamaged(error: unknown): undefined {
  if (!(error instanceof BadFile)) throw error;
  return undefined;
}

async function stagesWithFolder(path: string): Promise<Set<string>> {
  try {
    return new Set(await readdir(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new Set();
    throw error;
  }
}
