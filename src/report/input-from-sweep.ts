import type { Plan, PlanRun, PlanStage } from '../experiment/plan.ts';
import type { ParkedStage } from '../experiment/sweep-control.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import { recipeOfPlan } from './recipe-of-plan.ts';
import type { Provenance, ReportAttempt, ReportInput, ReportRun, ReportStage } from './report-input.ts';

/** What the store knows of one stage. */
export interface StageRecord {
  readonly key: string;
  /** Fields of its result.json; absent while it is not done. */
  readonly result?: {
    readonly steps: number;
    readonly stoppedBy: 'stop-rule' | 'step-limit';
    readonly trainerBuild: string;
    readonly numerics: Readonly<Record<string, string | number>>;
    readonly microBatchChanged: boolean;
  };
  /** Every attempt's evidence, oldest first. */
  readonly evidence: readonly Evidence[];
  /** Done before this sweep started any job for it. */
  readonly reused: boolean;
}

export interface SweepOrigin {
  readonly sweep: string;
  readonly plan: Plan;
  readonly records: readonly StageRecord[];
  readonly parked: readonly ParkedStage[];
  readonly provenance: Pick<Provenance, 'code' | 'versions' | 'reproduce'> & Partial<Provenance>;
  readonly exploratory?: string;
  readonly generatedAt: string;
}

/** The input of a sweep's report, from its plan and from what its stages left behind. */
export function reportInputFromSweep(analysis: ForgettingAnalysis, origin: SweepOrigin): ReportInput {
  const { plan } = origin;
  const records = new Map(origin.records.map((record) => [record.key, record]));
  const parked = new Map(origin.parked.map((one) => [one.number, one]));
  const results = plan.stages.flatMap((stage) => records.get(stage.key)?.result ?? []);
  return {
    sweep: origin.sweep,
    analysis,
    runs: plan.runs.map((run) => runOf(run, plan, records, parked)),
    stages: plan.stages.map((stage) => stageOf(stage, records.get(stage.key), parked.get(stage.number))),
    policyGrammar: plan.stages.some((stage) => stage.spec.score?.data.recipe.kind === 'policy-grammar'),
    provenance: {
      recipe: recipeOfPlan(plan),
      seeds: [...new Set(plan.runs.map((run) => run.seed))].sort((a, b) => a - b),
      data: dataOf(plan),
      trainerBuilds: tally(results.map((result) => result.trainerBuild)).map(([build, stages]) => ({ build, stages })),
      numerics: tally(results.map((result) => JSON.stringify(result.numerics))).map(([tuple, stages]) => ({
        tuple: JSON.parse(tuple),
        stages,
      })),
      ...origin.provenance,
    },
    ...(origin.exploratory === undefined ? {} : { exploratory: origin.exploratory }),
    generatedAt: origin.generatedAt,
  };
}

function runOf(
  run: PlanRun,
  plan: Plan,
  records: ReadonlyMap<string, StageRecord>,
  parked: ReadonlyMap<number, ParkedStage>,
): ReportRun {
  const stages = run.stages.flatMap((number) => plan.stages[number] ?? []);
  const undone = stages.find((stage) => records.get(stage.key)?.result === undefined);
  const base = {
    run: run.id,
    arm: run.arm,
    model: run.model,
    seed: run.seed,
    stages: stages.map((stage) => stage.key),
  };
  if (undone === undefined) return { ...base, state: 'done' };
  const why = parked.get(undone.number);
  if (why === undefined) return { ...base, state: 'missing', reason: `its stage ${undone.label} was not reached` };
  return {
    ...base,
    state: 'missing',
    reason: `its stage ${undone.label} is parked: ${why.class}, ${why.rule}`,
    command: why.command,
  };
}

function stageOf(stage: PlanStage, record: StageRecord | undefined, parked: ParkedStage | undefined): ReportStage {
  const result = record?.result;
  const state = result ? 'done' : parked === undefined ? 'not-started' : (PARKED_STATES[parked.class] ?? 'parked');
  return {
    key: stage.key,
    label: stage.label,
    kind: stage.kind,
    state,
    ...(result && { steps: result.steps, stoppedBy: result.stoppedBy }),
    reused: record?.reused ?? false,
    microBatchChanged: result?.microBatchChanged ?? false,
    attempts: (record?.evidence ?? []).map(attemptOf),
  };
}

const PARKED_STATES: Readonly<Record<string, ReportStage['state']>> = {
  'held by breaker': 'held',
  'cancelled by hand': 'cancelled',
};

function attemptOf(evidence: Evidence): ReportAttempt {
  return {
    attempt: evidence.attempt,
    outcome: evidence.outcome,
    ...(evidence.failure === undefined ? {} : { failure: evidence.failure }),
    rule: evidence.rule,
    sentence: evidence.sentence,
    stepsLost: evidence.outcome === 'succeeded' ? 0 : Math.max(0, evidence.reachedStep - evidence.checkpointStep),
    endedAt: evidence.endedAt,
  };
}

/** Datasets of the plan, each with the kinds of stages that trained on it or were scored on it. */
function dataOf(plan: Plan): Provenance['data'] {
  const roles = new Map<string, Set<string>>();
  const add = (digest: string | undefined, role: string): void => {
    if (digest !== undefined) roles.set(digest, (roles.get(digest) ?? new Set()).add(role));
  };
  for (const { kind, spec } of plan.stages) {
    add(spec.train?.data.digest, kind);
    add(spec.score?.data.digest, `scoring in ${kind}`);
  }
  return [...roles].map(([digest, names]) => ({ digest, role: [...names].join(', ') }));
}

/** Distinct values with their counts, most frequent first, then by value. */
function tally(values: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
