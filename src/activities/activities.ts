import type { ActivityParts } from './activity-parts.ts';
import { makeAwaitStages } from './await-stages.ts';
import { makeCollectGarbage } from './collect-garbage.ts';
import type { FinishingActivities } from './finishing-activities.ts';
import { makeFreezePlan } from './freeze-plan.ts';
import { makeReadPlan } from './read-plan.ts';
import { makeReopenStages } from './reopen-stages.ts';
import { makeRunAttempt } from './run-attempt.ts';
import { makeSaveControl } from './save-control.ts';

/** All effects of the workflows, by the names that stand in their histories. */
export function createActivities(parts: ActivityParts, finishing: FinishingActivities) {
  return {
    readPlan: makeReadPlan(parts),
    runAttempt: makeRunAttempt(parts),
    awaitStages: makeAwaitStages(parts),
    saveControl: makeSaveControl(parts),
    reopenStages: makeReopenStages(parts),
    freezePlan: makeFreezePlan(parts),
    collectGarbage: makeCollectGarbage(parts),
    gatherForgetting: finishing.gatherForgetting,
    analyse: finishing.analyse,
    writeReport: finishing.writeReport,
  };
}

export type Activities = ReturnType<typeof createActivities>;
