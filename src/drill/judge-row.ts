import { DEFAULT_BUDGETS } from '../recovery/budgets.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { DrillAction, DrillRow } from './drill-row.ts';
import type { AnchorScores } from './drill-store.ts';
import type { RowFinding } from './row-result.ts';
import {
  lossTrace,
  passedOver,
  type StageTrace,
  stepsLost,
  timeToResumeMs,
  writesBesideSuccessor,
} from './stage-trace.ts';

/** What a row left behind, and what the undisturbed run did. */
export interface RowFacts {
  readonly row: DrillRow;
  readonly trace: StageTrace;
  readonly evidence: readonly Evidence[];
  /** Class under which the sweep parked the stage, before it was mended. */
  readonly parkedAs: string | undefined;
  /** Attempts that were over when it was parked. */
  readonly attemptsWhenParked: number;
  readonly struckAtMs: number | undefined;
  readonly end: RunEnd;
  readonly undisturbed: RunEnd & { readonly trace: StageTrace };
  readonly checkpointEvery: number;
}

export interface RunEnd {
  readonly statisticsDigest: string | undefined;
  readonly scores: readonly AnchorScores[];
  readonly finishedStages: number;
  readonly stages: number;
  /** Stages that were found done and not trained again. */
  readonly reused: number;
}

/** Of a sum of log-probabilities, and of a sum of losses between two checkpoints: another micro-batch adds in another order. */
export const TOLERANCE = { relative: 1e-4, absolute: 1e-4 };

export interface Judgement {
  readonly finding: RowFinding;
  readonly misses: readonly string[];
}

/** Class, action, budget, loss of steps, evidence and statistics of a row, each against what the ledger promises. */
export function judgeRow(facts: RowFacts): Judgement {
  const { row, trace, evidence, parkedAs, end } = facts;
  const { expected } = row;
  const failed = evidence.find(({ outcome }) => outcome === 'failed');
  const action = actionOf(trace, parkedAs);
  const lost = stepsLost(trace);
  const statistics = compareStatistics(facts);
  const misses: string[] = [];
  const expect = (what: string, wanted: unknown, came: unknown) => {
    if (wanted !== came) misses.push(`expected ${what} ${wanted ?? 'none'}, got ${came ?? 'none'}`);
  };
  expect('class', expected.failure, failed?.failure);
  expect('action', expected.action, action);
  if (expected.action === 'parked') {
    expect('to be parked as', expected.failure, parkedAs);
    if (expected.failure !== undefined) {
      const { attemptsWhenParked = DEFAULT_BUDGETS[expected.failure].retries + 1 } = expected;
      expect('attempts before it was parked', attemptsWhenParked, facts.attemptsWhenParked);
    }
  } else expect('attempts', attemptsFor(expected.action), trace.attempts.length);
  const limit = expected.mayLoseSteps === true ? facts.checkpointEvery + 1 : 0;
  if (lost > limit) misses.push(`expected at most ${limit} steps lost, got ${lost}`);
  for (const { writer, newestStep } of passedOver(trace, evidence, facts.checkpointEvery))
    misses.push(
      `expected writer ${writer.name} of attempt ${writer.attempt} to go on from ${newestStep}, the newest whole checkpoint, got ${writer.fromStep}`,
    );
  for (const attempt of trace.attempts)
    if (!attempt.over) misses.push(`expected the evidence of attempt ${attempt.number}, got none`);
  for (const { attempt, rule, sentence } of evidence)
    if (rule === '' || sentence === '')
      misses.push(`expected rule and sentence of attempt ${attempt}, got "${rule}", "${sentence}"`);
  if (expected.sentence !== undefined && !expected.sentence.test(failed?.sentence ?? ''))
    misses.push(`expected words like ${expected.sentence}, got ${failed?.sentence ?? 'none'}`);
  const nodes = evidence.filter(({ outcome }) => outcome === 'failed').map(({ node }) => node);
  if (expected.otherNode === true && !areOtherNodes(nodes))
    misses.push(`expected each attempt on another node than the one before, got ${nodes.join(', ')}`);
  if (expected.oldPodWritesOn === true && !writesBesideSuccessor(trace))
    misses.push('expected the old pod to write after its successor had begun, it did not');
  expect('finished stages', end.stages, end.finishedStages);
  expect('stages found done', end.stages - 1, end.reused);
  if (expected.withinTolerance === true) {
    if (!trace.microBatchChanged) misses.push('expected result.json to list the changed micro-batch, it does not');
    if (statistics === 'different' || statistics === 'none')
      misses.push(`expected statistics and loss trace within ${TOLERANCE.relative} of the undisturbed run, got others`);
  } else expect('statistics', 'equal', statistics);
  const resume = facts.struckAtMs === undefined ? undefined : timeToResumeMs(trace, facts.struckAtMs);
  const finding: RowFinding = {
    class: failed?.failure ?? null,
    rule: failed?.rule ?? null,
    action,
    attempts: trace.attempts.length,
    stepsLost: lost,
    timeToResumeMs: resume ?? null,
    statistics,
  };
  return { finding, misses };
}

function areOtherNodes(nodes: readonly (string | undefined)[]): boolean {
  return nodes.length > 1 && nodes.every((node, index) => node !== undefined && node !== nodes[index - 1]);
}

function attemptsFor(action: DrillAction): number {
  return action === 'relaunched' || action === 'next rung' ? 2 : 1;
}

function actionOf(trace: StageTrace, parkedAs: string | undefined): DrillAction | null {
  if (parkedAs !== undefined) return 'parked';
  const [first, second] = trace.attempts;
  if (first === undefined) return null;
  if (second === undefined) return trace.writers.length > 1 ? 'replaced' : 'watched on';
  const halved =
    second.flags.microBatch * 2 === first.flags.microBatch && second.flags.accumulate === first.flags.accumulate * 2;
  return halved ? 'next rung' : 'relaunched';
}

function compareStatistics({ end, undisturbed, trace, checkpointEvery }: RowFacts): RowFinding['statistics'] {
  if (end.statisticsDigest === undefined) return 'none';
  if (end.statisticsDigest === undisturbed.statisticsDigest) return 'equal';
  const near =
    isNearScores(end.scores, undisturbed.scores) &&
    isNearMap(lossTrace(trace, checkpointEvery), lossTrace(undisturbed.trace, checkpointEvery));
  return near ? 'within tolerance' : 'different';
}

function isNearScores(ours: readonly AnchorScores[], theirs: readonly AnchorScores[]): boolean {
  return (
    ours.length === theirs.length &&
    ours.every(({ step, sums }, index) => {
      const other = theirs[index];
      return other !== undefined && other.step === step && isNearMap(sums, other.sums);
    })
  );
}

function isNearMap<Key>(ours: ReadonlyMap<Key, number>, theirs: ReadonlyMap<Key, number>): boolean {
  return (
    ours.size === theirs.size &&
    [...ours].every(([key, value]) => {
      const other = theirs.get(key);
      return (
        other !== undefined && Math.abs(value - other) <= TOLERANCE.absolute + TOLERANCE.relative * Math.abs(other)
      );
    })
  );
}
