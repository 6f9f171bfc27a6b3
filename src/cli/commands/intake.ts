import type { Command } from 'commander';
import { exitsWith, makeCommand } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';
import { INTAKE_PORT } from '../intake/intake-port.ts';
import { portNumber } from '../whole-number.ts';

export function intakeCommand(): Command {
  return makeCommand({
    usage: 'intake',
    description:
      'In a pod beside the store: take in one model or data source over loopback, and end (lethe model add --store pvc:NAME starts it)',
    examples: ['lethe intake --store /store'],
  })
    .option('--store <folder>', 'the store (default: $LETHE_STORE)')
    .option('--port <port>', 'of loopback', String(INTAKE_PORT))
    .option('--wait-minutes <minutes>', 'end when nobody comes for so long', '10')
    .action(exitsWith(intake));
}

async function intake(options: {
  readonly store?: string;
  readonly port: string;
  readonly waitMinutes: string;
}): Promise<ExitCode> {
  const [{ serveIntake }, { storeFolder }] = await Promise.all([
    import('../intake/intake-server.ts'),
    import('../project-folder.ts'),
  ]);
  const port = portNumber('--port', options.port);
  const minutes = Number(options.waitMinutes);
  if (!(minutes > 0)) throw new BadInput(`--wait-minutes: expected a number above 0, got "${options.waitMinutes}"`);
  const taken = await serveIntake({
    store: storeFolder(options.store),
    port,
    waitMs: minutes * 60_000,
    onListening: (at) => process.stderr.write(`waiting for what is sent to 127.0.0.1:${at}\n`),
  });
  return taken ? EXIT.done : EXIT.incomplete;
}
