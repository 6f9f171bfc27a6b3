import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { StageKind } from '../experiment/stage-spec.ts';
import { MESSAGES } from '../experiment/sweep-control.ts';
import { stageWorkflowId } from '../experiment/workflow-ids.ts';

/** What the server says about the owners of stages (the real part behind `activities/workflows-of-stages.ts`). */
export class StageWorkflows {
  readonly #client: Client;
  readonly #storeId: string;

  constructor(client: Client, storeId: string) {
    this.#client = client;
    this.#storeId = storeId;
  }

  async statusOf(stage: {
    readonly kind: StageKind;
    readonly key: string;
  }): Promise<'running' | 'cancelled' | 'ended' | 'absent'> {
    try {
      const { status } = await this.#client.workflow.getHandle(stageWorkflowId(this.#storeId, stage)).describe();
      if (status.name === 'RUNNING' || status.name === 'PAUSED') return 'running';
      return status.name === 'CANCELLED' ? 'cancelled' : 'ended';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'absent';
      throw error;
    }
  }

  async announceCheckpoint(sweepWorkflowId: string, stageNumber: number): Promise<void> {
    try {
      await this.#client.workflow.getHandle(sweepWorkflowId).signal(MESSAGES.canaryPassed, stageNumber);
    } catch (error) {
      // The sweep has ended; nobody waits for its canary.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
