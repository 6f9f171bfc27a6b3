import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import { describeSweep } from '../temporal/sweep-client.ts';
import type { StoreAccess } from './access/store-access.ts';
import type { ExitCode } from './exit-codes.ts';
import { tellSweepEnd } from './tell-sweep-end.ts';
import type { Output } from './terminal/output.ts';
import { withLiveProcesses } from './with-live-processes.ts';

/**
 * Tells the end of a sweep that is whole: its history says so and every result is still in the store. Needs the server, never the worker. Undefined when there is
 * something left to do.
 */
export async function whenWhole(
  access: StoreAccess,
  sweep: StoredSweep,
  output: Output,
): Promise<ExitCode | undefined> {
  if (!(await everyResultIsThere(access, sweep))) return undefined;
  const store = await access.open();
  const described = await withLiveProcesses(store, { say: (text) => output.say(text), worker: false }, (connection) =>
    describeSweep(connection, { storeId: store.id, sweepId: sweep.id }),
  );
  if (described.status !== 'ended' || described.end.status !== 'completed') return undefined;
  const { outcome } = described.end;
  const nothingStarted = { ...outcome, jobsStarted: 0, jobsReused: sweep.plan.stages.length };
  return tellSweepEnd({ access, store, sweep, output }, { status: 'completed', outcome: nothingStarted });
}

export async function everyResultIsThere(access: StoreAccess, { plan }: StoredSweep): Promise<boolean> {
  return (await access.finishedKeys(plan)).size === new Set(plan.stages.map(({ key }) => key)).size;
}
