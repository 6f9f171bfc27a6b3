import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import type { Trouble } from '../troubled-way.ts';

/** Longer than the trainer takes, so that its end falls into it. */
const OUTAGE_MS = 15_000;

/** The worker's way to the API server has trouble for a while; the job does not notice. */
export function apiTrouble(trouble: Trouble): Fault {
  return {
    provoke: async (world) => {
      const { way, signal } = world.parts;
      await world.firstCheckpoint();
      world.strike();
      way.set(trouble);
      await sleep(OUTAGE_MS, undefined, { signal }).catch(() => undefined);
      way.set('none');
    },
  };
}

/** The server itself, for everyone. */
export const API_SERVER_STOPPED: Fault = {
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    const start = await world.means.stopApiServer();
    await sleep(OUTAGE_MS);
    await start();
  },
};
