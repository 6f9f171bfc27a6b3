import type { Fault } from '../fault.ts';

/** The sweep starts it again under the same id; the job is adopted. */
export const WORKFLOW_TERMINATED: Fault = {
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    await world.parts.lethe.client.workflow.getHandle(world.workflowId).terminate('as a drill asked');
  },
};
