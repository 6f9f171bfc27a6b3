import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

interface ExportOptions extends StoreOptions {
  readonly stage?: string;
}

export function exportCommand(): Command {
  const command = makeCommand({
    usage: 'export <run> <folder>',
    description: "Write a finished stage's model as a folder for Transformers, and its adapter as one for PEFT",
    examples: [
      'lethe export d32.forgetting.s1 exported',
      'lethe export smollm2.forgetting.s1 exported --stage finetune',
    ],
  }).option('--stage <kind>', 'another stage of the run than its last, by kind or by name');
  return withStoreOptions(command).action(exitsWith(exportRun));
}

async function exportRun(text: string, folder: string, options: ExportOptions): Promise<ExitCode> {
  const [{ Output }, { openStore }, { findRun }, { stageOfRun }, { CannotExport, exportModel }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../sweeps.ts'),
    import('../run-log.ts'),
    import('../../artifacts/export-model.ts'),
  ]);
  const output = new Output(options);
  const store = await openStore(options.store);
  const { sweep, run } = await findRun(store, text);
  const stage = await stageOfRun(store, sweep, run, options.stage);
  try {
    const exported = await exportModel(store.stage(stage.key), folder);
    output.line(`${stage.label}: ${exported.model}`);
    if (exported.adapter !== undefined) output.line(`its adapter: ${exported.adapter}`);
    output.record({ stage: stage.label, key: stage.key, ...exported });
  } catch (error) {
    if (error instanceof CannotExport) throw new BadInput(`${stage.label}: ${error.message}.`);
    throw error;
  }
  return EXIT.done;
}
