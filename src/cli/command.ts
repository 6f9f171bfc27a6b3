import { Command, Option } from 'commander';
import type { ExitCode } from './exit-codes.ts';

export interface CommandText {
  /** With its arguments, `retry <target>`. */
  readonly usage: string;
  readonly description: string;
  /** Lines as a person types them. */
  readonly examples: readonly string[];
}

/** A subcommand that says in its help what to type. Files of commands import their work inside the action, so that `lethe --help` stays quick. */
export function makeCommand({ usage, description, examples }: CommandText): Command {
  const command = new Command(usage.split(' ')[0]).description(description);
  for (const argument of usage.split(' ').slice(1)) command.argument(argument);
  const title = examples.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText('after', `\n${title}\n${examples.map((example) => `  ${example}`).join('\n')}`);
}

/** Every command that looks into a store in a folder takes these. */
export function withStoreOptions(command: Command): Command {
  return command
    .option('--store <folder>', 'the store (default: $LETHE_STORE, or .lethe in the project folder)')
    .option('--json', 'one JSON object a line on stdout');
}

/** Commands that look into any store, in a folder or in a cluster: `--store pvc:NAME` and the way there, which is remembered. */
export function withAnyStore(command: Command): Command {
  command
    .option(
      '--store <where>',
      'the store: a folder, or pvc:CLAIM in a cluster (default: $LETHE_STORE, or .lethe in the project folder)',
    )
    .option('--json', 'one JSON object a line on stdout');
  const taken = new Set(command.options.flatMap(({ short, long }) => [short, long]));
  const way: readonly (readonly [flags: string, text: string])[] = [
    ['--on <place>', 'kubernetes: the store in a cluster that was used last, when --store names none'],
    ['--cluster <file>', 'settings whose kubeconfig, context and namespace are taken (docs/kubernetes.md)'],
    [
      taken.has('-n') ? '--namespace <name>' : '-n, --namespace <name>',
      "of the store's claim (default: as before, or the context's)",
    ],
    ['--context <name>', 'of the kubeconfig (default: as before, or its current one)'],
    [
      '--temporal <host:port>',
      'Temporal as this machine reaches it (default: as before, $LETHE_TEMPORAL_ADDRESS, or as the store has it)',
    ],
  ];
  for (const [flags, text] of way) {
    const long = flags.split(' ').find((word) => word.startsWith('--'))!;
    if (!taken.has(long)) command.addOption(new Option(flags, text).helpGroup('A store in a cluster:'));
  }
  return command;
}

export interface StoreOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly on?: string;
  readonly cluster?: string;
  readonly namespace?: string;
  readonly context?: string;
  /** Not a flag of its own: kubectl's variable serves. */
  readonly kubeconfig?: string;
  readonly temporal?: string;
}

/** The action's result becomes the exit code of the process. */
export function exitsWith<Arguments extends readonly unknown[]>(
  action: (...args: Arguments) => Promise<ExitCode>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => {
    process.exitCode = await action(...args);
  };
}
