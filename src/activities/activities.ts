import type { ActivityParts } from './activity-parts.ts';
import type { Analysed, AnalyseRequest } from './analyse.ts';
import { makeAwaitStages } from './await-stages.ts';
import type { GatheredTables, GatherRequest } from './gather-forgetting.ts';
import { makeReadPlan } from './read-plan.ts';
import { makeReopenStages } from './reopen-stages.ts';
import { makeRunAttempt } from './run-attempt.ts';
import { makeSaveControl } from './save-control.ts';
import type { ReportRequest, WrittenReport } from './write-report.ts';

/** What happens when nothing more can run: scores into tables, tables into a verdict, all of it into a report. */
export interface FinishingActivities {
  gatherForgetting(request: GatherRequest): Promise<GatheredTables>;
  analyse(request: AnalyseRequest): Promise<Analysed>;
  writeReport(request: ReportRequest): Promise<WrittenReport>;
}

/** All effects of the workflows, by the names that stand in their histories. */
export function createActivities(parts: ActivityParts, finishing: FinishingActivities) {
  return {
    readPlan: makeReadPlan(parts),
    runAttempt: makeRunAttempt(parts),
    awaitStages: makeAwaitStages(parts),
    saveControl: makeSaveControl(parts),
    reopenStages: makeReopenStages(parts),
    gatherForgetting: finishing.gatherForgetting,
    analyse: finishing.analyse,
    writeReport: finishing.writeReport,
  };
}

export type Activities = ReturnType<typeof createActivities>;
