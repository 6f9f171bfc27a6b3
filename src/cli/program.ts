import { createRequire } from 'node:module';
import { Command } from 'commander';
import { calibrateCommand } from './commands/calibrate.ts';
import { cancelCommand } from './commands/cancel.ts';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { drillCommand } from './commands/drill.ts';
import { explainCommand } from './commands/explain.ts';
import { exportCommand } from './commands/export.ts';
import { generateCommand } from './commands/generate.ts';
import { intakeCommand } from './commands/intake.ts';
import { logsCommand } from './commands/logs.ts';
import { modelCommand } from './commands/model.ts';
import { pauseCommand } from './commands/pause.ts';
import { planCommand } from './commands/plan.ts';
import { reportCommand } from './commands/report.ts';
import { resumeCommand } from './commands/resume.ts';
import { retryCommand } from './commands/retry.ts';
import { runCommand } from './commands/run.ts';
import { scoreCommand } from './commands/score.ts';
import { statusCommand } from './commands/status.ts';
import { stopCommand } from './commands/stop.ts';
import { storeCommand } from './commands/store.ts';
import { uiCommand } from './commands/ui.ts';
import { watchCommand } from './commands/watch.ts';
import { workerCommand } from './commands/worker.ts';

/** The command line: what it knows, in the order in which a person meets it. */
export function makeProgram(): Command {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  const program = new Command('lethe')
    .description(
      'Runs sweeps of models × arms × seeds and tells whether forgetting of unsafe examples emerges with scale.',
    )
    .version(version)
    .showSuggestionAfterError()
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  lethe run configs/sweeps/quickstart.yaml\n  lethe status\n  lethe ui\n\n"lethe COMMAND --help" shows its options and an example.',
    );
  const commands = [
    planCommand(),
    runCommand(),
    statusCommand(),
    watchCommand(),
    pauseCommand(),
    resumeCommand(),
    cancelCommand(),
    retryCommand(),
    explainCommand(),
    logsCommand(),
    exportCommand(),
    reportCommand(),
    uiCommand(),
    stopCommand(),
    calibrateCommand(),
    modelCommand(),
    dataCommand(),
    scoreCommand(),
    generateCommand(),
    storeCommand(),
    doctorCommand(),
    drillCommand(),
    workerCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(intakeCommand(), { hidden: true });
  for (const command of everyCommand(program)) command.exitOverride().configureHelp({ helpWidth: 100 });
  return program;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}
