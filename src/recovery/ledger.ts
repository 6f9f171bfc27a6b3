import { FAILURE_CLASSES, type FailureClass } from '../experiment/failure-classes.ts';
import { type Budget, type Budgets, DEFAULT_BUDGETS } from './budgets.ts';
import type { Evidence, StageOverride, TrainerFlags } from './evidence.ts';
import type { JobResources } from './job-resources.ts';
import { climb, type JobSetup, withMicroBatch } from './memory-ladder.ts';

export interface LedgerInput {
  /** Attempts that are over, in any order. */
  readonly evidence: readonly Evidence[];
  readonly overrides: readonly StageOverride[];
  /** The set-up of a first attempt, before any ladder or override. */
  readonly setup: JobSetup;
  /** Most memory that a job can be given where it runs. */
  readonly memoryLimit: number;
  readonly budgets?: Budgets;
}

export type LedgerDecision =
  | {
      readonly kind: 'launch';
      readonly attempt: number;
      readonly flags: TrainerFlags;
      readonly resources: JobResources;
      readonly backoffMs: number;
      /** Why, for the summary of the timer and the launch in the UI. */
      readonly reason: string;
      /** The last attempt failed by its node: another one is asked for where there is one. */
      readonly avoidLastNode: boolean;
    }
  | {
      readonly kind: 'park';
      /** The attempt that settled it. */
      readonly attempt: number;
      readonly failure: FailureClass;
      readonly rule: string;
      readonly sentence: string;
      /** Failures of this class without progress, and how many the budget forgives. */
      readonly failures: number;
      readonly retries: number;
    };

/**
 * What comes next for a stage that has no result and no attempt under way: a pure function of what is on the disk, so that a workflow that was ended in any
 * way and started again decides the same. Counters reset only when an attempt's checkpoint passes the highest ever reached, or when a person re-opened
 * the stage; the ladder does not climb down on progress, because the memory did not grow.
 */
export function decide(input: LedgerInput): LedgerDecision {
  const evidence = [...input.evidence].sort((a, b) => a.attempt - b.attempt);
  const overrides = [...input.overrides].sort((a, b) => a.sequence - b.sequence);
  const last = evidence.at(-1);
  const attempt = (last?.attempt ?? 0) + 1;
  const reopenedAfter = Math.max(0, ...overrides.map((said) => said.reopenedAfterAttempt ?? 0));
  const setup = applyOverrides(input.setup, overrides);
  const rung = climb(setup, memoryFailures(evidence, overrides), input.memoryLimit);
  const launch = (backoffMs: number, reason: string, avoidLastNode = false): LedgerDecision => ({
    kind: 'launch',
    attempt,
    flags: rung.flags,
    resources: rung.resources,
    backoffMs,
    reason,
    avoidLastNode,
  });

  if (last === undefined) return launch(0, 'first attempt');
  if (last.attempt <= reopenedAfter) return launch(0, `re-opened after attempt ${last.attempt}`);
  if (last.outcome !== 'failed') return launch(0, `attempt ${last.attempt} ${last.outcome}: ${last.sentence}`);

  const failure = last.failure ?? 'crash';
  const failures = countFailures(evidence, reopenedAfter)[failure];
  const budget = budgetOf(failure, input.budgets ?? DEFAULT_BUDGETS, overrides);
  const count = `${failure}, ${failures} of ${budget.retries} without progress`;
  if (failures > budget.retries || (failure === 'out-of-memory' && rung.exhausted)) {
    const why = failures > budget.retries ? usedUp(failures, budget.retries) : 'no rung of the memory ladder is left';
    const { rule, sentence } = last;
    return {
      kind: 'park',
      attempt: last.attempt,
      failure,
      rule: `${rule}; ${why}`,
      sentence,
      failures,
      retries: budget.retries,
    };
  }
  const change = failure === 'out-of-memory' ? `; ${rung.change}` : '';
  return launch(backoffOf(budget, failures), `${count}: ${last.sentence}${change}`, failure === 'device');
}

function usedUp(failures: number, retries: number): string {
  if (retries === 0) return 'not tried again by itself';
  return `${failures} failures without progress, ${retries} ${retries === 1 ? 'is' : 'are'} forgiven`;
}

/** Failures of each class since the last progress, attempts up to `reopenedAfter` left out. `evidence` is in the order of attempts. */
export function countFailures(evidence: readonly Evidence[], reopenedAfter: number): Record<FailureClass, number> {
  let counts = noFailures();
  let highest = 0;
  const passes = (step: number): boolean => {
    if (step <= highest) return false;
    highest = step;
    counts = noFailures();
    return true;
  };
  for (const over of evidence) {
    const counted = over.attempt > reopenedAfter;
    // A platform that replaces a pod inside an attempt leaves nothing but one writer more.
    for (const [index, writer] of over.writers.entries()) {
      if (!passes(writer.checkpointStep) && index > 0 && counted) counts.preempted += 1;
    }
    passes(over.checkpointStep);
    if (counted && over.outcome === 'failed') counts[over.failure ?? 'crash'] += 1;
  }
  return counts;
}

/** True when the writers of the attempt under way have used up the budget of preemptions: its job is to be cancelled, charged to `preempted`. */
export function preemptionsUsedUp(
  evidence: readonly Evidence[],
  overrides: readonly StageOverride[],
  writers: Evidence['writers'],
  budgets: Budgets = DEFAULT_BUDGETS,
): boolean {
  const earlier = [...evidence].sort((a, b) => a.attempt - b.attempt);
  const reopenedAfter = Math.max(0, ...overrides.map((said) => said.reopenedAfterAttempt ?? 0));
  const now = { ...EMPTY_EVIDENCE, attempt: (earlier.at(-1)?.attempt ?? 0) + 1, writers };
  return countFailures([...earlier, now], reopenedAfter).preempted > budgetOf('preempted', budgets, overrides).retries;
}

const EMPTY_EVIDENCE: Evidence = {
  attempt: 0,
  outcome: 'stopped',
  rule: '',
  sentence: '',
  checkpointStep: 0,
  reachedStep: 0,
  writers: [],
  logTail: [],
  events: [],
  endedAt: '',
};

function noFailures(): Record<FailureClass, number> {
  return Object.fromEntries(FAILURE_CLASSES.map((name) => [name, 0])) as Record<FailureClass, number>;
}

/** Failures for memory since a person last chose the micro-batch or the memory: what the ladder has to answer. */
function memoryFailures(evidence: readonly Evidence[], overrides: readonly StageOverride[]): number {
  const chosen = overrides.filter((said) => said.microBatch !== undefined || said.resources?.memoryBytes !== undefined);
  const since = Math.max(0, ...chosen.map((said) => said.reopenedAfterAttempt ?? 0));
  return evidence.filter((over) => over.attempt > since && over.failure === 'out-of-memory').length;
}

function applyOverrides(setup: JobSetup, overrides: readonly StageOverride[]): JobSetup {
  let { flags, resources } = setup;
  for (const said of overrides) {
    if (said.resources !== undefined) resources = { ...resources, ...said.resources };
    if (said.microBatch !== undefined) flags = withMicroBatch(flags, said.microBatch);
  }
  return { flags, resources };
}

function budgetOf(failure: FailureClass, budgets: Budgets, overrides: readonly StageOverride[]): Budget {
  let budget = budgets[failure];
  for (const said of overrides) {
    const retries = said.retries?.[failure];
    if (retries !== undefined) budget = { ...budget, retries };
  }
  return budget;
}

function backoffOf({ firstBackoffMs, growth, longestBackoffMs }: Budget, failures: number): number {
  return Math.min(firstBackoffMs * growth ** Math.max(0, failures - 1), longestBackoffMs);
}
