import { MEMORY_THAT_KILLS } from '../drill-sweep.ts';
import type { Fault } from '../fault.ts';
import { onLosableNode } from './node-lost.ts';

/** A neighbour in the pod's own share of memory leaves its trainer none, once it is well under way. */
export const MEMORY_EATEN: Fault = {
  provoke: async (world) => {
    const { metadata } = await onLosableNode(world);
    world.strike();
    const undo = await world.means.eatMemory(metadata.uid);
    await world.firstEvidence();
    await undo();
  },
};

/** A pod that gets less than its trainer needs; half the micro-batch fits. */
export const MEMORY_LIMIT: Fault = {
  prepare: async ({ parts }) => parts.place.override({ resources: { memoryBytes: MEMORY_THAT_KILLS } }),
  provoke: async (world) => {
    await world.firstEvidence();
    world.strike();
  },
};
