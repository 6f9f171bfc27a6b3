import type { Command } from 'commander';
import { exitsWith, makeCommand, withAnyStore } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { RunOptions } from '../run-sweep.ts';
import { wholeNumber } from '../whole-number.ts';

export function runCommand(): Command {
  const command = makeCommand({
    usage: 'run <sweep>',
    description:
      'Freeze a sweep file into a plan, carry it out and end with its verdict; run again, it goes on where it was',
    examples: [
      'lethe run configs/sweeps/quickstart.yaml',
      'lethe run quickstart --store /data/lethe --slots 2 --json',
      'lethe run quickstart --detach',
      'lethe run quickstart --store /mnt/store --on kubernetes --cluster cluster.yaml',
      'lethe run quickstart --store pvc:lethe-store -n lethe --temporal 127.0.0.1:7233',
    ],
  })
    .option(
      '--on <place>',
      'where jobs run: local (processes of this machine) or kubernetes (default: as before, local at first)',
    )
    .option('--cluster <file>', 'with --on kubernetes: settings of the cluster (docs/kubernetes.md)')
    .option('--slots <count>', 'jobs at once on this machine (default: by cores and memory)')
    .option('--detach', 'return once the sweep has started')
    .option('--replace', 'cancel another open plan of this name first')
    .option('--yes', 'ask nothing');
  return withAnyStore(command).action(exitsWith(run));
}

interface GivenOptions extends Omit<RunOptions, 'slots'> {
  readonly slots?: string;
}

async function run(file: string, { slots, ...options }: GivenOptions): Promise<ExitCode> {
  const { runSweep } = await import('../run-sweep.ts');
  return runSweep(file, {
    ...options,
    ...(slots === undefined ? {} : { slots: wholeNumber('--slots', slots, 1, 500) }),
  });
}
