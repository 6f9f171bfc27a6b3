import type { StageKind } from '../experiment/stage-spec.ts';

export type StageWorkflowStatus = 'running' | 'cancelled' | 'ended' | 'absent';

/** What activities ask of the Temporal server about workflows. A seam, so that activities are tested without one. */
export interface WorkflowsOfStages {
  /** How the newest execution of the stage's owner stands. */
  statusOf(stage: { readonly kind: StageKind; readonly key: string }): Promise<StageWorkflowStatus>;
  /** Tells a sweep that its canary's first checkpoint is on disk. A sweep that has ended is no error. */
  announceCheckpoint(sweepWorkflowId: string, stageNumber: number): Promise<void>;
}
