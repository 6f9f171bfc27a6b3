import { stat } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { readJsonIfThere } from '../artifacts/read-json.ts';
import { dataManifestSchema } from '../artifacts/schemas.ts';
import type { StageResult } from '../artifacts/stage-result.ts';
import type { Store } from '../artifacts/store.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import { canonicalJson } from '../experiment/canonical-json.ts';
import type { Plan, PlanRun, PlanStage } from '../experiment/plan.ts';
import { POLICY_GRAMMAR } from '../experiment/policy-grammar-recipe.ts';
import type { ParkedStage } from '../experiment/sweep-control.ts';
import type { Evidence } from '../recovery/evidence.ts';
import { recipeOfPlan } from '../report/recipe-of-plan.ts';
import type { Provenance, ReportAttempt, ReportRun, ReportStage, SweepFacts } from '../report/report-input.ts';
import { readVerdict } from './sweep-verdict.ts';

export interface SweepReportRequest {
  readonly sweepId: string;
  readonly parked: readonly ParkedStage[];
  readonly code: Pick<Provenance, 'code' | 'versions'>;
}

interface StageFacts {
  readonly stage: PlanStage;
  readonly result: StageResult | undefined;
  readonly evidence: readonly Evidence[];
  /** Sweep that asked for the attempt with the result. */
  readonly madeFor: string | undefined;
  readonly seconds: number;
}

/** Everything that the report of a sweep says but its analysis, read from the store. */
export async function reportInputOfSweep(store: Store, request: SweepReportRequest): Promise<SweepFacts> {
  const { sweepId, parked, code } = request;
  const folder = new SweepFolder(store, sweepId);
  const { plan, frozenAt } = await folder.plan();
  const text = await folder.sourceText();
  const facts: StageFacts[] = [];
  for (const stage of plan.stages) facts.push(await factsOf(store, stage));
  const exploratory = await exploratoryReason(store, plan, sweepId, frozenAt);
  const verdict = await readVerdict(store, sweepId);
  const ends = facts.flatMap(({ evidence }) => evidence.map(({ endedAt }) => endedAt)).sort();
  return {
    sweep: sweepId,
    runs: plan.runs.map((run) => reportRun(run, facts, parked)),
    stages: facts.map((each) => reportStage(each, parked, sweepId)),
    policyGrammar: plan.stages.some(({ spec }) => (spec.train ?? spec.score)?.data.recipe.kind === POLICY_GRAMMAR.kind),
    provenance: {
      ...code,
      recipe: recipeOfPlan(plan),
      ...(text === undefined ? {} : { sweepFile: { path: 'sweep.yaml', text } }),
      seeds: [...new Set(plan.runs.map(({ seed }) => seed))].sort((a, b) => a - b),
      data: await datasetsOf(store, plan),
      trainerBuilds: countedBy(facts, ({ trainerBuild }) => trainerBuild).map(([build, stages]) => ({ build, stages })),
      images: countedBy(facts, imageOf).map(([image, stages]) => ({ image, stages })),
      numerics: countedBy(facts, ({ numerics }) => canonicalJson(numerics)).map(([tuple, stages]) => ({
        tuple: JSON.parse(tuple) as Record<string, string | number>,
        stages,
      })),
      machine: machine(),
      startedAt: frozenAt.toISOString(),
      ...(ends.length === 0 ? {} : { endedAt: ends.at(-1) as string }),
      jobSeconds: Math.round(facts.reduce((sum, { seconds }) => sum + seconds, 0)),
      ...(verdict === undefined ? {} : { statisticsDigest: verdict.statisticsDigest }),
      reproduce: ['npm run setup', 'lethe run sweep.yaml', `lethe report ${plan.name}`],
    },
    ...(exploratory === undefined ? {} : { exploratory }),
    generatedAt: new Date().toISOString(),
  };
}

async function factsOf(store: Store, stage: PlanStage): Promise<StageFacts> {
  const folder = store.stage(stage.key);
  const { result, evidence } = await folder.history();
  let seconds = 0;
  for (const { attempt, endedAt } of evidence) {
    const launched = await folder.attempt(attempt).launched();
    if (launched !== undefined) seconds += Math.max(0, Date.parse(endedAt) - Date.parse(launched.launchedAt)) / 1_000;
  }
  const madeFor = result && (await folder.attempt(result.attempt).job())?.annotations.sweep;
  return { stage, result, evidence, madeFor, seconds };
}

function reportRun(run: PlanRun, facts: readonly StageFacts[], parked: readonly ParkedStage[]): ReportRun {
  const { id, model, arm, seed } = run;
  const own = run.stages.flatMap((number) => facts[number] ?? []);
  const open = own.filter(({ result }) => result === undefined);
  const stages = own.map(({ stage }) => stage.key);
  const named = { run: id, model, arm, seed, stages };
  if (open.length === 0) return { ...named, state: 'done' };
  const cause = parked.find(({ number }) => open.some(({ stage }) => stage.number === number));
  if (cause === undefined) return { ...named, state: 'missing', reason: `${open[0]?.stage.label} has no result` };
  const reason = `${cause.label}: ${cause.class}, ${cause.rule}`;
  return { ...named, state: 'missing', reason, command: cause.command };
}

function reportStage(facts: StageFacts, parked: readonly ParkedStage[], sweepId: string): ReportStage {
  const { stage, result, evidence, madeFor } = facts;
  return {
    key: stage.key,
    label: stage.label,
    kind: stage.kind,
    state: result === undefined ? stateOf(parked.find(({ number }) => number === stage.number)) : 'done',
    ...(result && { steps: result.steps, stoppedBy: result.stoppedBy }),
    reused: madeFor !== undefined && madeFor !== sweepId,
    microBatchChanged: result?.microBatchChanged ?? false,
    attempts: evidence.map(reportAttempt),
  };
}

function stateOf(parked: ParkedStage | undefined): ReportStage['state'] {
  if (parked === undefined) return 'not-started';
  if (parked.class === 'held by breaker') return 'held';
  return parked.class === 'cancelled by hand' ? 'cancelled' : 'parked';
}

function reportAttempt(over: Evidence): ReportAttempt {
  const { attempt, outcome, failure, rule, sentence, reachedStep, checkpointStep, endedAt } = over;
  const stepsLost = outcome === 'succeeded' ? 0 : Math.max(0, reachedStep - checkpointStep);
  return { attempt, outcome, ...(failure && { failure }), rule, sentence, stepsLost, endedAt };
}

/** Each dataset of the plan with what it was used for. */
async function datasetsOf(store: Store, plan: Plan): Promise<Provenance['data']> {
  const roles = new Map<string, Set<string>>();
  const note = (digest: string, role: string) => roles.set(digest, (roles.get(digest) ?? new Set()).add(role));
  for (const { kind, spec } of plan.stages) {
    if (spec.train !== undefined) note(spec.train.data.digest, `${kind}: trained on`);
    if (spec.score !== undefined) note(spec.score.data.digest, `${kind}: scored`);
  }
  const datasets = [];
  for (const [digest, used] of [...roles].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const path = join(store.dataPath(digest), 'manifest.json');
    const manifest = await readJsonIfThere<{ readonly rows: number }>(path, dataManifestSchema);
    datasets.push({ digest, role: [...used].sort().join('; '), ...(manifest && { rows: manifest.rows }) });
  }
  return datasets;
}

/** Of the attempt that made the result. */
function imageOf({ attempt }: StageResult, { evidence }: StageFacts): string | undefined {
  return evidence.find((each) => each.attempt === attempt)?.image;
}

/** Stages that are done, by what `of` says of them; those of which it says nothing are not counted. */
function countedBy(
  facts: readonly StageFacts[],
  of: (result: StageResult, facts: StageFacts) => string | undefined,
): [string, number][] {
  const counts = new Map<string, number>();
  for (const each of facts) {
    const value = each.result && of(each.result, each);
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A plan that was frozen after an earlier plan of its name had results was made by somebody who may have seen them. */
async function exploratoryReason(
  store: Store,
  plan: Plan,
  sweepId: string,
  frozenAt: Date,
): Promise<string | undefined> {
  for (const id of await store.sweepIds()) {
    if (id === sweepId || !id.startsWith(`${plan.name}~`)) continue;
    const seenAt = await stat(join(store.sweepPath(id), 'report', 'index.html')).catch(() => undefined);
    if (seenAt === undefined || seenAt.birthtime >= frozenAt) continue;
    return `this plan was frozen on ${frozenAt.toISOString()}, after ${id} had results.`;
  }
  return undefined;
}

function machine(): Record<string, string> {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: String(availableParallelism()),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    platform: `${process.platform} ${process.arch}`,
  };
}
