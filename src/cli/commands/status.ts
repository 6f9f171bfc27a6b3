import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function statusCommand(): Command {
  const command = makeCommand({
    usage: 'status [sweep]',
    description: 'Show where the runs of a sweep are, worst first (default: the newest sweep)',
    examples: ['lethe status', 'lethe status quickstart --json'],
  });
  return withAnyStore(command).action(exitsWith(showStatus));
}

async function showStatus(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [
    { Output },
    { connectIfUp, connectStore, sweepLink },
    { reachStore },
    { findSweep },
    { SweepObserver },
    { renderStatus },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../access/reach-store.ts'),
    import('../sweeps.ts'),
    import('../status/observe-sweep.ts'),
    import('../status/render-status.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const sweep = await findSweep(store, name);
  const observer = new SweepObserver(access, store, sweep);
  // A sweep that is whole is known from the store; for any other one the server has the rest to say.
  let status = await observer.observe(undefined);
  if (status.phase !== 'done') {
    const connection = await connectStore(store, { worker: 'unless stopped', say: (text) => output.say(text) });
    status = await observer.observe(connection);
    await connection.close();
  }
  output.record(status);
  for (const line of renderStatus(status, output)) output.line(line);
  const up = output.json ? undefined : await connectIfUp(store);
  const link = up && sweepLink(up, sweep.id);
  if (link !== undefined) output.line(output.paint('faint', `\nhistories: ${link}`));
  await up?.close();
  return EXIT.done;
}
