import { setTimeout as sleep } from 'node:timers/promises';
import { OUTAGE_SECONDS } from '../drill-sweep.ts';
import type { Fault } from '../fault.ts';
import type { RowWorld } from '../row-world.ts';
import type { Trouble } from '../troubled-way.ts';

/** The worker's way to the API server has trouble for a while; the job does not notice. */
export function apiTrouble(trouble: Trouble): Fault {
  return {
    provoke: async (world) => {
      const { way, signal } = world.parts;
      await world.firstCheckpoint();
      world.strike();
      way.set(trouble);
      await sleep(world.parts.sweep.outageMs, undefined, { signal }).catch(() => undefined);
      way.set('none');
      await requireOutlived(world);
    },
  };
}

/** The server itself, for everyone. */
export const API_SERVER_STOPPED: Fault = {
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    const start = await world.means.stopApiServer();
    await sleep(world.parts.sweep.outageMs);
    await start();
    await requireOutlived(world);
  },
};

/** A stage that was made longer, to see that it is found again at work, has to be at work. */
async function requireOutlived({ parts: { place, sweep } }: RowWorld): Promise<void> {
  const { writers } = await place.trace();
  if (sweep.outageMs > OUTAGE_SECONDS * 1_000 && writers.at(-1)?.code !== undefined)
    throw new Error(`expected the trainer to outlive an outage of ${sweep.outageMs / 1_000} s, it ended before`);
}
