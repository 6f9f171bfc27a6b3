import { Command } from 'commander';
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

/** Every command that looks into a store takes these. */
export function withStoreOptions(command: Command): Command {
  return command
    .option('--store <folder>', 'the store (default: $LETHE_STORE, or .lethe in the project folder)')
    .option('--json', 'one JSON object a line on stdout');
}

export interface StoreOptions {
  readonly store?: string;
  readonly json?: boolean;
}

/** The action's result becomes the exit code of the process. */
export function exitsWith<Arguments extends readonly unknown[]>(
  action: (...args: Arguments) => Promise<ExitCode>,
): (...args: Arguments) => Promise<void> {
  return async (...args) => {
    process.exitCode = await action(...args);
  };
}
