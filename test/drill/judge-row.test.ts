import { describe, expect, it } from 'vitest';
import type { DrillRow } from '../../src/drill/drill-row.ts';
import { judgeRow, type RowFacts } from '../../src/drill/judge-row.ts';
import type { StageTrace, WriterTrace } from '../../src/drill/stage-trace.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';

const FLAGS = { microBatch: 8, accumulate: 1, recompute: false };
const ROW: DrillRow = {
  name: 'crash',
  what: 'it crashes',
  fault: 'crash',
  lane: 'beside',
  access: 'namespace',
  expected: { failure: 'crash', action: 'relaunched', mayLoseSteps: true },
};

function evidence(attempt: number, failure?: Evidence['failure']): Evidence {
  const outcome = failure === undefined ? 'succeeded' : 'failed';
  const common = { checkpointStep: 5, reachedStep: 7, writers: [], logTail: [], events: [], endedAt: '' };
  return { attempt, outcome, ...(failure && { failure }), rule: 'a rule', sentence: 'a sentence', ...common };
}

/** A writer whose progress stands at `steps`, a second apart from `atMs`; each line says loss 2. */
function writer(attempt: number, fromStep: number, atMs: number, steps: readonly number[]): WriterTrace {
  const progress = steps.map((step, index) => ({ step, timeMs: atMs + index * 1_000, loss: 2 }));
  return { attempt, name: `w${attempt}`, beganMs: atMs, fromStep, checkpointStep: fromStep, progress };
}

/** Seven steps, a crash, and the rest from the checkpoint of step 5. */
const TRACE: StageTrace = {
  attempts: [
    { number: 1, flags: FLAGS, over: true },
    { number: 2, flags: FLAGS, over: true },
  ],
  writers: [
    { ...writer(1, 0, 0, [5, 7]), code: 70, endStep: 7 },
    { ...writer(2, 5, 10_000, [5, 10]), code: 0, endStep: 10 },
  ],
  done: true,
  microBatchChanged: false,
};

const END = { statisticsDigest: 'd', scores: [], finishedStages: 2, stages: 2, reused: 1 };

function facts(changes: Partial<RowFacts> = {}): RowFacts {
  const undisturbed = { ...END, trace: { ...TRACE, writers: [writer(1, 0, 0, [5, 10])] } };
  return {
    row: ROW,
    trace: TRACE,
    evidence: [evidence(1, 'crash'), evidence(2)],
    parkedAs: undefined,
    attemptsWhenParked: 0,
    struckAtMs: 3_000,
    end: END,
    undisturbed,
    checkpointEvery: 5,
    ...changes,
  };
}

describe('the judgement of a row', () => {
  it('tells class, action, steps lost and time to resume of one that held', () => {
    expect(judgeRow(facts())).toEqual({
      finding: {
        class: 'crash',
        rule: 'a rule',
        action: 'relaunched',
        attempts: 2,
        stepsLost: 2,
        timeToResumeMs: 8_000,
        statistics: 'equal',
      },
      misses: [],
    });
  });

  it.each<[string, Partial<RowFacts>, RegExp]>([
    ['another class', { evidence: [evidence(1, 'stuck'), evidence(2)] }, /expected class crash, got stuck/],
    ['another action', { parkedAs: 'crash' }, /expected action relaunched, got parked/],
    [
      'an attempt too many',
      { trace: { ...TRACE, attempts: [...TRACE.attempts, { number: 3, flags: FLAGS, over: true }] } },
      /expected attempts 2, got 3/,
    ],
    [
      'evidence that was not kept',
      { trace: { ...TRACE, attempts: [{ number: 1, flags: FLAGS, over: false }, TRACE.attempts[1]!] } },
      /expected the evidence of attempt 1, got none/,
    ],
    [
      'more steps lost than an interval and one',
      { trace: { ...TRACE, writers: [writer(1, 0, 0, [5, 12]), TRACE.writers[1]!] } },
      /expected at most 6 steps lost, got 7/,
    ],
    ['a finished stage that is gone', { end: { ...END, finishedStages: 1 } }, /expected finished stages 2, got 1/],
    ['a finished stage that was trained again', { end: { ...END, reused: 0 } }, /expected stages found done 1, got 0/],
    ['other statistics', { end: { ...END, statisticsDigest: 'e' } }, /expected statistics equal/],
    [
      'a successor that passes the newest checkpoint over, though it loses no more than an interval',
      { trace: { ...TRACE, writers: [writer(1, 0, 0, [5]), { ...TRACE.writers[1]!, fromStep: 0 }] } },
      /^expected writer w2 of attempt 2 to go on from 5, the newest whole checkpoint, got 0$/,
    ],
  ])('misses %s', (_, changes, miss) => {
    expect(judgeRow(facts(changes)).misses.join('\n')).toMatch(miss);
  });

  it('counts the attempts of a parked stage against the budget of its class', () => {
    const row: DrillRow = { ...ROW, expected: { failure: 'crash', action: 'parked', mayLoseSteps: true } };
    const parked = { row, parkedAs: 'crash', evidence: [evidence(1, 'crash')] };
    expect(judgeRow(facts({ ...parked, attemptsWhenParked: 4 })).misses).toEqual([]);
    expect(judgeRow(facts({ ...parked, attemptsWhenParked: 3 })).misses).toEqual([
      'expected attempts before it was parked 4, got 3',
    ]);
  });

  it('counts them against what the row says, where it has a budget of its own', () => {
    const expected = { failure: 'crash', action: 'parked', mayLoseSteps: true, attemptsWhenParked: 1 } as const;
    const parked = { row: { ...ROW, expected }, parkedAs: 'crash', evidence: [evidence(1, 'crash')] };
    expect(judgeRow(facts({ ...parked, attemptsWhenParked: 1 })).misses).toEqual([]);
  });

  it('wants the words of the failure where the row has them', () => {
    const row: DrillRow = { ...ROW, expected: { ...ROW.expected, sentence: /^another/ } };
    expect(judgeRow(facts({ row })).misses).toEqual(['expected words like /^another/, got a sentence']);
  });

  it('wants each failure on another node than the one before, where the row says so', () => {
    const row: DrillRow = { ...ROW, expected: { ...ROW.expected, otherNode: true } };
    const on = (...nodes: readonly string[]) => nodes.map((node, index) => ({ ...evidence(index + 1, 'crash'), node }));
    expect(judgeRow(facts({ row, evidence: on('n1', 'n2') })).misses).toEqual([]);
    expect(judgeRow(facts({ row, evidence: on('n1', 'n1') })).misses).toEqual([
      'expected each attempt on another node than the one before, got n1, n1',
    ]);
    expect(judgeRow(facts({ row, evidence: on('n1') })).misses).toHaveLength(1);
  });

  it('allows other statistics within the tolerance, where the micro-batch changed and the result says so', () => {
    const row: DrillRow = {
      ...ROW,
      expected: { failure: 'out-of-memory', action: 'next rung', mayLoseSteps: true, withinTolerance: true },
    };
    const next = { number: 2, flags: { microBatch: 4, accumulate: 2, recompute: false }, over: true };
    const trace = { ...TRACE, attempts: [TRACE.attempts[0]!, next], microBatchChanged: true };
    const scores = (sum: number) => [{ step: 10, sums: new Map([['a', sum]]) }];
    const judge = (sum: number, changed = true) =>
      judgeRow(
        facts({
          row,
          trace: { ...trace, microBatchChanged: changed },
          evidence: [evidence(1, 'out-of-memory'), evidence(2)],
          end: { ...END, statisticsDigest: 'e', scores: scores(sum) },
          undisturbed: { ...facts().undisturbed, scores: scores(-3) },
        }),
      );
    expect(judge(-3.0001)).toMatchObject({ finding: { statistics: 'within tolerance' }, misses: [] });
    expect(judge(-3.01).finding.statistics).toBe('different');
    expect(judge(-3.0001, false).misses).toEqual(['expected result.json to list the changed micro-batch, it does not']);
  });
});
