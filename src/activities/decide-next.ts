import type { StageHistory } from '../artifacts/stage-folder.ts';
import type { FailureClass } from '../experiment/failure-classes.ts';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import { type Budgets, DEFAULT_BUDGETS } from '../recovery/budgets.ts';
import { decide, type LedgerDecision } from '../recovery/ledger.ts';
import type { ActivityParts } from './activity-parts.ts';
import type { ParkedReason } from './plan-page.ts';

const SENTENCE = 300;

/** What the ledger says of a stage without a result and without an attempt under way: from its files, and from how the sweep that asks is carried out. */
export function decideNext(
  parts: Pick<ActivityParts, 'setupOf' | 'memoryLimit'>,
  execution: Execution,
  spec: StageSpec,
  history: StageHistory,
): LedgerDecision {
  const { evidence, overrides } = history;
  const setup = parts.setupOf(spec, execution.resources);
  return decide({ evidence, overrides, setup, memoryLimit: parts.memoryLimit, budgets: budgetsOf(execution.retries) });
}

/** The rule by which a stage is parked of which the store holds a file that is not what its format says. */
export const DAMAGED_FILE = 'a file of the stage cannot be read';

/** A decision to park, as the scheduler and the UI take it: short enough for hundreds of them in one history. */
export function parkedReason(
  decision: Pick<LedgerDecision & { readonly kind: 'park' }, 'failure' | 'rule' | 'sentence' | 'attempt'>,
): ParkedReason {
  const { failure, rule, sentence, attempt } = decision;
  const short = sentence.length <= SENTENCE ? sentence : `${sentence.slice(0, SENTENCE - 1)}…`;
  return { class: failure, rule, sentence: short, attempt };
}

/** The budgets of a sweep: its file's retries, everything else as always. */
export function budgetsOf(retries: Execution['retries']): Budgets {
  const budgets: Record<FailureClass, Budgets[FailureClass]> = { ...DEFAULT_BUDGETS };
  for (const [failure, count] of Object.entries(retries) as [FailureClass, number][]) {
    budgets[failure] = { ...budgets[failure], retries: count };
  }
  return budgets;
}
