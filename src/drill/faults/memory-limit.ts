import { MEMORY_THAT_KILLS } from '../drill-sweep.ts';
import type { Fault } from '../fault.ts';

/** A pod that gets less than its trainer needs; half the micro-batch fits. */
export const MEMORY_LIMIT: Fault = {
  prepare: async ({ parts }) => parts.place.override({ resources: { memoryBytes: MEMORY_THAT_KILLS } }),
  provoke: async (world) => {
    await world.firstEvidence();
    world.strike();
  },
};
