import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { isLocal } from '../artifacts/launched.ts';
import type { StageResult } from '../artifacts/stage-result.ts';
import type { StopRequest } from '../artifacts/stop-request.ts';
import type { Store } from '../artifacts/store.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { Plan, PlanRun, PlanStage } from '../experiment/plan.ts';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';
import type { Evidence, StageOverride } from '../recovery/evidence.ts';
import { compareStages, type FieldDifference } from './plan-difference.ts';

export interface RunExplanation {
  readonly sweep: string;
  readonly run: string;
  /** The plan of the same name before this one; absent when this is the first. */
  readonly previousSweep?: string;
  readonly stages: readonly StageExplanation[];
}

export interface StageExplanation {
  readonly label: string;
  readonly kind: PlanStage['kind'];
  readonly key: string;
  readonly state: 'done' | 'under way' | 'not done' | 'not begun';
  /** All that the key covers, by field. */
  readonly inputs: readonly { readonly field: string; readonly value: string }[];
  /** Against the previous plan of that name: `same` key, a `changed` one by these fields, or `new` there. Absent when there is no earlier plan. */
  readonly change?:
    | { readonly kind: 'same' | 'new' }
    | { readonly kind: 'changed'; readonly fields: readonly FieldDifference[] };
  readonly result?: StageResult;
  /** Other sweeps of the store whose plan names this very stage. */
  readonly alsoIn: readonly string[];
  readonly attempts: readonly AttemptExplanation[];
  readonly overrides: readonly StageOverride[];
  readonly link?: string;
}

export interface AttemptExplanation {
  readonly attempt: number;
  readonly job?: string;
  readonly process?: string;
  readonly launchedAt?: string;
  readonly evidence?: Evidence;
  readonly stop?: StopRequest;
  readonly writers: readonly WriterExplanation[];
}

export interface WriterExplanation {
  readonly name: string;
  /** `won` = made the result; `lineage` = the result goes back to it; `superseded` = nothing of it counts. */
  readonly role: 'won' | 'lineage' | 'superseded' | 'open';
  readonly from: string;
  readonly reachedStep?: number;
  readonly outcome?: string;
}

/** Everything that the store knows of a run. `link` gives a workflow's page in the UI, when there is one. */
export async function explainRun(
  store: Store,
  sweep: StoredSweep,
  run: PlanRun,
  link: (workflowId: string) => string | undefined,
): Promise<RunExplanation> {
  const sweeps = await Promise.all((await listSweeps(store)).map(({ id }) => readSweep(store, id)));
  const previous = sweeps.find(
    (other) => nameOf(other.id) === nameOf(sweep.id) && other.id !== sweep.id && other.frozenAt <= sweep.frozenAt,
  );
  return {
    sweep: sweep.id,
    run: run.id,
    ...(previous === undefined ? {} : { previousSweep: previous.id }),
    stages: await Promise.all(
      run.stages.map((number) => {
        const stage = sweep.plan.stages[number]!;
        const alsoIn = sweeps
          .filter((other) => other.id !== sweep.id && hasKey(other.plan, stage.key))
          .map(({ id }) => id);
        return explainStage(store, stage, previous?.plan, alsoIn, link(stageWorkflowId(store.id, stage)));
      }),
    ),
  };
}

async function explainStage(
  store: Store,
  stage: PlanStage,
  previous: Plan | undefined,
  alsoIn: readonly string[],
  link: string | undefined,
): Promise<StageExplanation> {
  const folder = store.stage(stage.key);
  const [result, overrides, numbers] = await Promise.all([folder.result(), folder.overrides(), folder.attempts()]);
  const attempts = await Promise.all(numbers.map((number) => explainAttempt(folder.attempt(number), result)));
  const open = attempts.at(-1) !== undefined && attempts.at(-1)?.evidence === undefined;
  return {
    label: stage.label,
    kind: stage.kind,
    key: stage.key,
    state: result !== undefined ? 'done' : open ? 'under way' : attempts.length > 0 ? 'not done' : 'not begun',
    inputs: inputsOf(stage.spec),
    ...(previous === undefined ? {} : { change: changeOf(stage, previous) }),
    ...(result === undefined ? {} : { result }),
    alsoIn,
    attempts,
    overrides,
    ...(link === undefined || attempts.length === 0 ? {} : { link }),
  };
}

async function explainAttempt(attempt: AttemptFolder, result: StageResult | undefined): Promise<AttemptExplanation> {
  const [job, launched, evidence, stop, writers] = await Promise.all([
    attempt.job(),
    attempt.launched(),
    attempt.evidence(),
    attempt.stop(),
    attempt.writers(),
  ]);
  return {
    attempt: attempt.number,
    ...(job === undefined ? {} : { job: job.name }),
    ...(launched === undefined ? {} : { launchedAt: launched.launchedAt }),
    ...(launched !== undefined && isLocal(launched) ? { process: `pid ${launched.pid} on ${launched.host}` } : {}),
    ...(evidence === undefined ? {} : { evidence }),
    ...(stop === undefined ? {} : { stop }),
    writers: await Promise.all(
      writers.map(async (writer): Promise<WriterExplanation> => {
        const [origin, progress, outcome] = await Promise.all([writer.origin(), writer.progress(), writer.outcome()]);
        return {
          name: writer.name,
          role: roleOf(attempt.number, writer.name, result, evidence !== undefined),
          from: origin?.checkpoint ?? 'the start',
          ...(progress === undefined ? {} : { reachedStep: progress.step }),
          ...(outcome === undefined ? {} : { outcome: `exit ${outcome.code}: ${outcome.sentence}` }),
        };
      }),
    ),
  };
}

function roleOf(
  attempt: number,
  writer: string,
  result: StageResult | undefined,
  over: boolean,
): WriterExplanation['role'] {
  if (result === undefined) return over ? 'superseded' : 'open';
  if (result.attempt === attempt && result.writer === writer) return 'won';
  return result.lineage.some((checkpoint) => checkpoint.startsWith(`${attempt}/${writer}/`)) ? 'lineage' : 'superseded';
}

function changeOf(stage: PlanStage, previous: Plan): NonNullable<StageExplanation['change']> {
  if (hasKey(previous, stage.key)) return { kind: 'same' };
  const before = previous.stages.find((other) => other.label === stage.label);
  return before === undefined ? { kind: 'new' } : { kind: 'changed', fields: compareStages(before, stage) };
}

function hasKey(plan: Plan, key: string): boolean {
  return plan.stages.some((stage) => stage.key === key);
}

/** Leaves of the spec as dotted fields; lists of numbers stay together. */
function inputsOf(value: unknown, path = ''): { field: string; value: string }[] {
  const isLeaf =
    typeof value !== 'object' ||
    value === null ||
    (Array.isArray(value) && value.every((each) => typeof each !== 'object'));
  if (isLeaf) return [{ field: path, value: typeof value === 'string' ? value : JSON.stringify(value) }];
  return Object.entries(value).flatMap(([name, inner]) => inputsOf(inner, path === '' ? name : `${path}.${name}`));
}
