import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';

export function watchCommand(): Command {
  const command = makeCommand({
    usage: 'watch [sweep]',
    description: 'Follow a sweep to its end: run, stage, step, loss, tokens/s, time left (default: the newest sweep)',
    examples: ['lethe watch', 'lethe watch quickstart'],
  });
  return withStoreOptions(command).action(exitsWith(watch));
}

async function watch(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { openStore }, { findSweep }, { followToTheEnd }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../sweeps.ts'),
    import('../follow-sweep.ts'),
  ]);
  const store = await openStore(options.store);
  return followToTheEnd({ store, sweep: await findSweep(store, name), output: new Output(options) });
}
