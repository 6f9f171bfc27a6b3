import { describe, expect, it } from 'vitest';
import { FAILURE_CLASSES, type FailureClass } from '../../src/experiment/failure-classes.ts';
import { DEFAULT_BUDGETS } from '../../src/recovery/budgets.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';
import { decide, type LedgerInput } from '../../src/recovery/ledger.ts';

/** Random histories; the seed that fails is in the error. */
const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);

function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface World {
  readonly pick: <T>(from: readonly T[]) => T;
  readonly random: () => number;
}

function world(seed: number): World {
  const random = randomness(seed);
  return { random, pick: (from) => from[Math.floor(random() * from.length)] as never };
}

function nextEvidence({ random, pick }: World, earlier: readonly Evidence[], progress: boolean): Evidence {
  const highest = Math.max(0, ...earlier.map(({ checkpointStep }) => checkpointStep));
  const checkpointStep = progress ? highest + 1 : Math.floor(random() * (highest + 1));
  const stopped = random() < 0.1;
  return {
    attempt: earlier.length + 1,
    outcome: stopped ? 'stopped' : 'failed',
    ...(stopped ? {} : { failure: pick(FAILURE_CLASSES) }),
    rule: 'rule',
    sentence: 'sentence',
    checkpointStep,
    reachedStep: checkpointStep,
    writers: [{ name: 'writer', checkpointStep }],
    logTail: [],
    events: [],
    endedAt: '',
  };
}

function input(evidence: readonly Evidence[]): LedgerInput {
  const resources = { cores: 1, memoryBytes: 2 ** 30, gpus: 0 };
  const flags = { microBatch: 64, accumulate: 1, recompute: false };
  return { evidence, overrides: [], setup: { flags, resources }, memoryLimit: 2 ** 40 };
}

/** Follows the ledger until it parks or `most` attempts are over. */
function follow(
  seed: number,
  most: number,
  progress: (world: World) => boolean,
): { evidence: Evidence[]; parked: boolean } {
  const at = world(seed);
  const evidence: Evidence[] = [];
  while (evidence.length < most) {
    if (decide(input(evidence)).kind === 'park') return { evidence, parked: true };
    evidence.push(nextEvidence(at, evidence, progress(at)));
  }
  return { evidence, parked: decide(input(evidence)).kind === 'park' };
}

function forAllSeeds(name: string, claim: (seed: number) => void): void {
  it(name, () => {
    for (const seed of SEEDS) {
      try {
        claim(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
}

describe('whatever happens to a stage, its ledger', () => {
  forAllSeeds('never goes over a budget without progress', (seed) => {
    const { evidence } = follow(seed, 400, ({ random }) => random() < 0.1);
    let highest = 0;
    let counts: Partial<Record<FailureClass, number>> = {};
    for (const { failure, checkpointStep } of evidence) {
      if (checkpointStep > highest) {
        highest = checkpointStep;
        counts = {};
      }
      if (failure === undefined) continue;
      counts[failure] = (counts[failure] ?? 0) + 1;
      expect(counts[failure]).toBeLessThanOrEqual(DEFAULT_BUDGETS[failure].retries + 1);
    }
  });

  forAllSeeds('parks in the end when nothing ever advances', (seed) => {
    const most = Object.values(DEFAULT_BUDGETS).reduce((sum, { retries }) => sum + retries + 1, 0);
    expect(follow(seed, 10 * most, () => false).parked).toBe(true);
  });

  forAllSeeds('goes on after a forgivable failure that came with progress', (seed) => {
    const at = world(seed);
    const { evidence } = follow(seed, 30, ({ random }) => random() < 0.3);
    const forgivable = FAILURE_CLASSES.filter((name) => DEFAULT_BUDGETS[name].retries > 0);
    const last: Evidence = { ...nextEvidence(at, evidence, true), outcome: 'failed', failure: at.pick(forgivable) };
    expect(decide(input([...evidence, last]))).toMatchObject({ kind: 'launch', attempt: last.attempt + 1 });
  });

  forAllSeeds('does not depend on the order of the evidence or on what is only for people', (seed) => {
    const { evidence } = follow(seed, 30, ({ random }) => random() < 0.2);
    const { random } = world(seed + 1_000);
    const shuffled = evidence
      .map((over) => ({
        ...over,
        logTail: [String(random())],
        events: [String(random())],
        endedAt: String(random()),
        exitCode: 3,
      }))
      .sort(() => random() - 0.5);
    expect(decide(input(shuffled))).toEqual(decide(input(evidence)));
  });

  forAllSeeds('launches the next number with the same global batch', (seed) => {
    const { evidence } = follow(seed, 30, ({ random }) => random() < 0.5);
    const next = decide(input(evidence));
    if (next.kind === 'park') return expect(next.attempt).toBe(evidence.length);
    expect(next.attempt).toBe(evidence.length + 1);
    expect(next.flags.microBatch * next.flags.accumulate).toBe(64);
  });
});
