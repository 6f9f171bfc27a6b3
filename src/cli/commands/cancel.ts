import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function cancelCommand(): Command {
  const command = makeCommand({
    usage: 'cancel <sweep>',
    description: 'Stop a sweep: its jobs write a checkpoint and end; what is finished stays',
    examples: ['lethe cancel quickstart'],
  });
  return withAnyStore(command).action(exitsWith(cancel));
}

async function cancel(name: string, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { tellRunningSweep }, { cancelAndWait }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../tell-running-sweep.ts'),
    import('../cancel-sweep.ts'),
  ]);
  const output = new Output(options);
  const { sweep } = await tellRunningSweep({ name, store: options, verb: 'cancel' }, output, (live, reference) => {
    output.say('waiting for its jobs to write their checkpoints');
    return cancelAndWait(live, reference);
  });
  output.record({ sweep, cancelled: true });
  output.line(`${sweep} is cancelled. What is finished stays; to go on: lethe resume ${name}`);
  return EXIT.done;
}
