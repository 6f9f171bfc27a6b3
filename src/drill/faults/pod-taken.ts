import type { Fault } from '../fault.ts';
import type { RowWorld } from '../row-world.ts';

/** A person deletes the pod; with a grace of its own when `graceSeconds` is absent. */
function deletion(graceSeconds?: number): Fault {
  return {
    provoke: async (world) => {
      await world.firstCheckpoint();
      const { metadata } = await world.pod();
      world.strike();
      const grace = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
      await world.delete('pods', metadata.name, grace);
    },
  };
}

export const POD_DELETED = deletion();

export const POD_DELETED_AT_ONCE = deletion(0);

/** What a drain does. */
export const POD_EVICTED: Fault = {
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    await evict(world);
  },
};

const FORGIVEN = 1;

/**
 * More pods are evicted than are forgiven, each but the first before it has got further. Checkpoints come seldom, and cannot be written: the one that a pod makes when it
 * is told to end would be progress.
 */
export const POD_EVICTED_FOR_GOOD: Fault = {
  twist: { checkpointEvery: 1_000 },
  prepare: async ({ parts }) => parts.place.override({ retries: { preempted: FORGIVEN } }),
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    for (let gone = 1; gone <= FORGIVEN + 1; gone += 1) {
      await evict(world);
      await world.until(`pod ${gone + 1} of the attempt at work`, ({ writers }) => writers.length > gone);
      await world.parts.place.damage({ kind: 'checkpoints locked' });
    }
  },
  mend: async ({ parts }) => {
    await parts.place.mend();
    return undefined;
  },
};

async function evict(world: RowWorld): Promise<void> {
  const { metadata } = await world.pod();
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name } };
  await world.parts.api.call({ method: 'POST', path: `${world.path('pods')}/${metadata.name}/eviction`, body });
}
