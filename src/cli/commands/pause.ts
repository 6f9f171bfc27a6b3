import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

interface PauseOptions extends StoreOptions {
  readonly now?: boolean;
}

export function pauseCommand(): Command {
  const command = makeCommand({
    usage: 'pause <sweep>',
    description: 'Start nothing new; running stages go on to their end',
    examples: ['lethe pause quickstart', 'lethe pause quickstart --now'],
  }).option('--now', 'running jobs write a checkpoint and stop too; it counts against no retry budget');
  return withStoreOptions(command).action(exitsWith(pause));
}

async function pause(name: string, options: PauseOptions): Promise<ExitCode> {
  const [
    { Output },
    { openStore, connectStore },
    { findSweep },
    { describeSweep, pauseSweep },
    { personName },
    { withLiveWorker },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../sweeps.ts'),
    import('../../temporal/sweep-client.ts'),
    import('../person-name.ts'),
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
        `expected a running sweep, ${sweep.id} ${described.status === 'absent' ? 'was never started' : 'has ended'}: nothing to pause. "lethe status ${name}" shows it.`,
      );
    }
    const request = { now: options.now === true, by: personName() };
    const { running } = await withLiveWorker(
      store,
      (text) => output.say(text),
      (live) => pauseSweep(live, reference, request),
    );
    output.record({ sweep: sweep.id, paused: true, now: options.now === true, running });
    output.line(`${sweep.id} is paused: nothing new starts.`);
    if (running.length > 0) {
      output.line(
        options.now
          ? `These write a checkpoint and stop: ${running.join(', ')}`
          : `These go on to their end: ${running.join(', ')}`,
      );
    }
    output.line(`To go on: lethe resume ${name}`);
    return EXIT.done;
  } finally {
    await connection.close();
  }
}
