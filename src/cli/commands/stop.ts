import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function stopCommand(): Command {
  const command = makeCommand({
    usage: 'stop',
    description: "End the store's worker, jobs (they write a checkpoint first) and server; nothing is lost",
    examples: ['lethe stop', 'lethe stop --store /data/lethe'],
  });
  return withStoreOptions(command).action(exitsWith(stop));
}

async function stop(options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { openStore }, { stopEverything }, { personName }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../stop-everything.ts'),
    import('../person-name.ts'),
  ]);
  const output = new Output(options);
  const store = await openStore(options.store);
  const stopped = await stopEverything(store, { by: `lethe stop (${personName()})`, say: (text) => output.say(text) });
  output.record(stopped);
  const ended = [
    ...(stopped.worker ? ['the worker'] : []),
    ...(stopped.jobs.length > 0 ? [`${stopped.jobs.length} job${stopped.jobs.length === 1 ? '' : 's'}`] : []),
    ...(stopped.server ? ['the server'] : []),
  ];
  output.line(
    ended.length === 0
      ? 'Nothing was running.'
      : `Stopped: ${ended.join(', ')}. "lethe resume SWEEP" or "lethe run" goes on.`,
  );
  return EXIT.done;
}
