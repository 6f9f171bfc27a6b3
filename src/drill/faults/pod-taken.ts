import type { Fault } from '../fault.ts';

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
    const { metadata } = await world.pod();
    world.strike();
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name } };
    await world.parts.api.call({ method: 'POST', path: `${world.path('pods')}/${metadata.name}/eviction`, body });
  },
};
