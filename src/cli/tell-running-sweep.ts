import { describeSweep, type SweepReference } from '../temporal/sweep-client.ts';
import { reachStore } from './access/reach-store.ts';
import type { StoreOptions } from './command.ts';
import { BadInput } from './exit-codes.ts';
import type { Connection } from './session.ts';
import { findSweep } from './sweeps.ts';
import type { Output } from './terminal/output.ts';
import { withLiveProcesses } from './with-live-processes.ts';

export interface Told<T> {
  readonly sweep: string;
  readonly answer: T;
}

/** Sends a message to a sweep that runs, with its worker alive. Throws `BadInput` when it does not run: there is nothing to `verb`. */
export async function tellRunningSweep<T>(
  asked: { readonly name: string; readonly store: StoreOptions; readonly verb: string },
  output: Output,
  send: (live: Connection, sweep: Pick<SweepReference, 'storeId' | 'sweepId'>) => Promise<T>,
): Promise<Told<T>> {
  const { name, verb } = asked;
  const say = (text: string) => output.say(text);
  const store = await (await reachStore(asked.store, say)).open();
  const sweep = await findSweep(store, name);
  const reference = { storeId: store.id, sweepId: sweep.id };
  const { status } = await withLiveProcesses(store, { say, worker: false }, (connection) =>
    describeSweep(connection, reference),
  );
  if (status !== 'running') {
    const why = status === 'absent' ? 'was never started' : 'has ended';
    throw new BadInput(
      `expected a running sweep, ${sweep.id} ${why}: nothing to ${verb}. "lethe status ${name}" shows it.`,
    );
  }
  const answer = await withLiveProcesses(store, { say, worker: true }, (live) => send(live, reference));
  return { sweep: sweep.id, answer };
}
