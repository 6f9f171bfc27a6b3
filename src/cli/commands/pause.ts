import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface PauseOptions extends StoreOptions {
  readonly now?: boolean;
}

export function pauseCommand(): Command {
  const command = makeCommand({
    usage: 'pause <sweep>',
    description: 'Start nothing new; running stages go on to their end',
    examples: ['lethe pause quickstart', 'lethe pause quickstart --now'],
  }).option('--now', 'running jobs write a checkpoint and stop too; it counts against no retry budget');
  return withAnyStore(command).action(exitsWith(pause));
}

async function pause(name: string, options: PauseOptions): Promise<ExitCode> {
  const [{ Output }, { tellRunningSweep }, { pauseSweep }, { personName }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../tell-running-sweep.ts'),
    import('../../temporal/sweep-client.ts'),
    import('../person-name.ts'),
  ]);
  const output = new Output(options);
  const now = options.now === true;
  const asked = { name, store: options, verb: 'pause' };
  const { sweep, answer } = await tellRunningSweep(asked, output, (live, reference) =>
    pauseSweep(live, reference, { now, by: personName() }),
  );
  const { running } = answer;
  output.record({ sweep, paused: true, now, running });
  output.line(`${sweep} is paused: nothing new starts.`);
  if (running.length > 0) {
    output.line(`These ${now ? 'write a checkpoint and stop' : 'go on to their end'}: ${running.join(', ')}`);
  }
  output.line(`To go on: lethe resume ${name}`);
  return EXIT.done;
}
