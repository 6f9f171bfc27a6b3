import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface ResumeOptions extends StoreOptions {
  readonly detach?: boolean;
}

export function resumeCommand(): Command {
  const command = makeCommand({
    usage: 'resume <sweep>',
    description:
      'Go on: lifts a pause and the breaker, re-opens stages parked as crash, stuck, I/O or device, follows to the end',
    examples: ['lethe resume quickstart', 'lethe resume quickstart --detach'],
  }).option('--detach', 'return at once instead of following the sweep');
  return withAnyStore(command).action(exitsWith(resume));
}

async function resume(name: string, options: ResumeOptions): Promise<ExitCode> {
  const [
    { Output },
    { reachStore },
    { findSweep },
    { resumeSweep },
    { followToTheEnd },
    { personName },
    { whenWhole },
    { withLiveProcesses },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../sweeps.ts'),
    import('../../temporal/sweep-client.ts'),
    import('../follow-sweep.ts'),
    import('../person-name.ts'),
    import('../finished-sweep.ts'),
    import('../with-live-processes.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const sweep = await findSweep(store, name);
  const whole = await whenWhole(access, sweep, output);
  if (whole !== undefined) return whole;
  const reference = { storeId: store.id, sweepId: sweep.id, planHash: sweep.planHash };
  const { reopened } = await withLiveProcesses(store, { say: (text) => output.say(text), worker: true }, (connection) =>
    resumeSweep(connection, reference, { by: personName() }),
  );
  output.record({ event: 'resumed', sweep: sweep.id, reopened });
  output.say(`${sweep.id} goes on${reopened.length > 0 ? `; re-opened: ${reopened.join(', ')}` : ''}`);
  if (options.detach) return EXIT.done;
  return followToTheEnd({ access, store, sweep, output });
}
