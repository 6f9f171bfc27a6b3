import type { ParkedReason, ScheduledStage } from '../activities/plan-page.ts';

const STAGES_THAT_HOLD_A_MODEL = 3;
const MODELS_THAT_HOLD_THE_SWEEP = 2;

/** What the breaker holds: some models, or everything. */
export interface Held {
  readonly models: ReadonlySet<string>;
  readonly sweep: boolean;
}

/**
 * Stops a mistake from being repeated hundreds of times: three stages of one model parked for the same class and rule hold that model, two held models hold the
 * sweep. Stages in `lifted` no longer count, because a person has seen them and said to go on.
 */
export function heldByBreaker(
  parked: readonly (readonly [ScheduledStage, ParkedReason])[],
  lifted: ReadonlySet<number>,
): Held {
  const counts = new Map<string, number>();
  const models = new Set<string>();
  for (const [stage, { class: failure, rule }] of parked) {
    if (lifted.has(stage.number)) continue;
    const cause = JSON.stringify([stage.model, failure, rule]);
    const count = (counts.get(cause) ?? 0) + 1;
    counts.set(cause, count);
    if (count >= STAGES_THAT_HOLD_A_MODEL) models.add(stage.model);
  }
  return { models, sweep: models.size >= MODELS_THAT_HOLD_THE_SWEEP };
}

export function isHeld(held: Held, stage: ScheduledStage): boolean {
  return held.sweep || held.models.has(stage.model);
}
