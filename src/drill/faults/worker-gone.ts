import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import type { RowWorld } from '../row-world.ts';

/** As long as a Deployment takes to start the next pod. */
const AWAY_MS = 2_000;

function processOf({ parts }: RowWorld) {
  if (parts.worker === undefined) throw new Error('expected a worker that is a process of its own, got none');
  return parts.worker;
}

export const WORKER_KILLED: Fault = {
  needs: 'worker process',
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    processOf(world).kill('SIGKILL');
    await sleep(AWAY_MS);
    processOf(world).again();
  },
};

/** What `kubectl delete pod --grace-period=0` does to it. */
export const WORKER_TERMINATED: Fault = {
  needs: 'worker process',
  provoke: async (world) => {
    await world.firstCheckpoint();
    world.strike();
    processOf(world).kill('SIGTERM');
    processOf(world).kill('SIGKILL');
    processOf(world).again();
  },
};
