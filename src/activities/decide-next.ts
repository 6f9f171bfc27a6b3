import type { StageHistory } from '../artifacts/stage-folder.ts';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Execution } from '../experiment/sweep.ts';
import { type Budgets, DEFAULT_BUDGETS } from '../recovery/budgets.ts';
import type { FailureClass } from '../recovery/evidence.ts';
import { decide, type LedgerDecision } from '../recovery/ledger.ts';
import type { ActivityParts } from './activity-parts.ts';

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

/** The budgets of a sweep: its file's retries, everything else as always. */
export function budgetsOf(retries: Execution['retries']): Budgets {
  const budgets: Record<FailureClass, Budgets[FailureClass]> = { ...DEFAULT_BUDGETS };
  for (const [failure, count] of Object.entries(retries) as [FailureClass, number][]) {
    budgets[failure] = { ...budgets[failure], retries: count };
  }
  return budgets;
}
