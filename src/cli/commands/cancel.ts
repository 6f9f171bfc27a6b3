import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

export function cancelCommand(): Command {
  const command = makeCommand({
    usage: 'cancel <sweep>',
    description: 'Stop a sweep: its jobs write a checkpoint and end; what is finished stays',
    examples: ['lethe cancel quickstart'],
  });
  return withStoreOptions(command).action(exitsWith(cancel));
}

async function cancel(name: string, options: StoreOptions): Promise<ExitCode> {
  const [
    { Output },
    { openStore, connectStore },
    { findSweep },
    { cancelAndWait },
    { describeSweep },
    { withLiveWorker },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../sweeps.ts'),
    import('../cancel-sweep.ts'),
    import('../../temporal/sweep-client.ts'),
    import('../with-live-worker.ts'),
  ]);
  const output = new Output(options);
  const store = await openStore(options.store);
  const sweep = await findSweep(store, name);
  const connection = await connectStore(store, { say: (text) => output.say(text) });
  try {
    const reference = { storeId: store.id, sweepId: sweep.id };
    const described = await describeSweep(connection, reference);
    if (described.status !== 'running') {
      throw new BadInput(
        `expected a running sweep, ${sweep.id} ${described.status === 'absent' ? 'was never started' : 'has ended'}: nothing to cancel.`,
      );
    }
    output.say('waiting for its jobs to write their checkpoints');
    await withLiveWorker(
      store,
      (text) => output.say(text),
      (live) => cancelAndWait(live, reference),
    );
    output.record({ sweep: sweep.id, cancelled: true });
    output.line(`${sweep.id} is cancelled. What is finished stays; to go on: lethe resume ${name}`);
    return EXIT.done;
  } finally {
    await connection.close();
  }
}
