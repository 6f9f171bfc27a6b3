import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';

export function watchCommand(): Command {
  const command = makeCommand({
    usage: 'watch [sweep]',
    description: 'Follow a sweep to its end: run, stage, step, loss, tokens/s, time left (default: the newest sweep)',
    examples: ['lethe watch', 'lethe watch quickstart'],
  });
  return withAnyStore(command).action(exitsWith(watch));
}

async function watch(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { reachStore }, { findSweep }, { followToTheEnd }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../sweeps.ts'),
    import('../follow-sweep.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  return followToTheEnd({ access, store, sweep: await findSweep(store, name), output });
}
