import type { Store } from '../artifacts/store.ts';
import type { Provenance } from '../report/report-input.ts';
import { type Analysed, type AnalyseRequest, makeAnalyse } from './analyse.ts';
import { type GatheredTables, type GatherRequest, makeGatherForgetting } from './gather-forgetting.ts';
import { makeWriteReport, type ReportRequest, type WrittenReport } from './write-report.ts';

/** What happens when nothing more can run: scores into tables, tables into a verdict, all of it into a report. */
export interface FinishingActivities {
  gatherForgetting(request: GatherRequest): Promise<GatheredTables>;
  analyse(request: AnalyseRequest): Promise<Analysed>;
  writeReport(request: ReportRequest): Promise<WrittenReport>;
}

export interface FinishingParts {
  readonly store: Store;
  /** Which Lethe this is, for the report. */
  readonly codeVersion: () => Promise<Pick<Provenance, 'code' | 'versions'>>;
}

export function createFinishingActivities(parts: FinishingParts): FinishingActivities {
  return {
    gatherForgetting: makeGatherForgetting(parts),
    analyse: makeAnalyse(parts),
    writeReport: makeWriteReport(parts),
  };
}
