import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { explainFailure } from './explain-failure.ts';
import { makeProgram } from './program.ts';

try {
  await makeProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed what was wrong; --help and --version end here too.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  } else {
    const { text, exitCode } = explainFailure(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
}
// Connections that wait for nothing must not hold the terminal; what stdout still buffers for a pipe goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
