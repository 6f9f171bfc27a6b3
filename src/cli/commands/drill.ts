import type { Command } from 'commander';
import { exitsWith, makeCommand, withStoreOptions } from '../command.ts';
import type { DrillOptions } from '../drill-cluster.ts';
import type { ExitCode } from '../exit-codes.ts';
import { wholeNumber } from '../whole-number.ts';

export function drillCommand(): Command {
  const command = makeCommand({
    usage: 'drill',
    description:
      'Provoke the failures of a cluster, one by one, on a tiny stage of its own, and tell whether each is recovered from as it should be',
    examples: [
      'lethe drill -n lethe --store /mnt/store --cluster cluster.yaml',
      'lethe drill --store /mnt/store --only pod-deleted,exit-70 --json',
    ],
  })
    .option('-n, --namespace <name>', "where (default: the settings', then the context's)")
    .option('--cluster <file>', 'settings of the cluster (default: those that the store remembers)')
    .option('--only <rows>', 'these rows alone, with commas between')
    .option('--parallel <count>', 'rows at once', '4');
  return withStoreOptions(command).action(exitsWith(drill));
}

interface GivenOptions extends Omit<DrillOptions, 'parallel'> {
  readonly parallel: string;
}

async function drill({ parallel, ...options }: GivenOptions): Promise<ExitCode> {
  const count = wholeNumber('--parallel', parallel, 1, 50);
  const { drillCluster } = await import('../drill-cluster.ts');
  return drillCluster({ ...options, parallel: count });
}
