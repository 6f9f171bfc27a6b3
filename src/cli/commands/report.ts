import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { BadInput, type ExitCode } from '../exit-codes.ts';

interface ReportOptions extends StoreOptions {
  readonly fromTables?: string;
  readonly out?: string;
  readonly again?: boolean;
}

export function reportCommand(): Command {
  const command = makeCommand({
    usage: 'report [sweep]',
    description: 'Show the verdict and where the report is; or analyse tables that came alone',
    examples: [
      'lethe report quickstart',
      'lethe report quickstart --again',
      'lethe report --from-tables shared-tables/ --out report/',
    ],
  })
    .option('--again', 'gather, analyse and report once more, with what is there now (a calibration record, say)')
    .option('--from-tables <folder>', 'analyse the tables of this folder (docs/formats.md, Tables) instead of a sweep')
    .option(
      '--out <folder>',
      'where the report is copied to; with --from-tables, written (default: report/ in that folder)',
    );
  return withAnyStore(command).action(exitsWith(report));
}

async function report(name: string | undefined, options: ReportOptions): Promise<ExitCode> {
  if (options.fromTables !== undefined) {
    if (options.again)
      throw new BadInput('--again: expected with a sweep, got it with --from-tables, which always analyses');
    if (name !== undefined) throw new BadInput(`expected a sweep or --from-tables, got both ("${name}")`);
    const { reportFromTables } = await import('../report-from-tables.ts');
    return reportFromTables(options.fromTables, options);
  }
  if (options.out !== undefined && options.again)
    throw new BadInput(
      '--again: expected without --out, got both; "lethe report SWEEP --out FOLDER" copies what is written then',
    );
  const { reportOfSweep, reportAgain } = await import('../report-of-sweep.ts');
  return options.again ? reportAgain(name, options) : reportOfSweep(name, options);
}
