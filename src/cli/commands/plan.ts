import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface PlanOptions extends StoreOptions {
  readonly stages?: boolean;
}

export function planCommand(): Command {
  const command = makeCommand({
    usage: 'plan <sweep>',
    description:
      'Show what a sweep file would run: parameters, FLOPs, memory, disk, time, what is done already; changes nothing',
    examples: [
      'lethe plan configs/sweeps/quickstart.yaml',
      'lethe plan quickstart --json',
      'lethe plan quickstart --stages',
    ],
  }).option('--stages', 'list every stage with its key');
  return withStoreOptions(command).action(exitsWith(showPlan));
}

async function showPlan(file: string, options: PlanOptions): Promise<ExitCode> {
  const [{ Output }, { loadSweep }, { renderPlan }, { priceOnMachine }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../load-sweep.ts'),
    import('../../experiment/render-plan.ts'),
    import('../price-on-machine.ts'),
  ]);
  const output = new Output(options);
  const loaded = await loadSweep(file, options.store);
  const { plan, planHash, id } = loaded;
  const { priced, rate, refusals } = await priceOnMachine(loaded, options.store);
  const exitCode = refusals.length > 0 ? EXIT.badInput : EXIT.done;
  if (options.json) {
    const { total, scales } = priced;
    const stages = priced.stages.map(({ stage, done, cost, seconds, leastSeconds }) => {
      const { number, key, kind, model, seed, label, parents } = stage;
      return { number, key, kind, model, seed, label, parents, done, seconds, leastSeconds, ...cost };
    });
    output.record({ sweep: id, planHash, rate, total, scales, runs: plan.runs, stages, refusals });
    return exitCode;
  }
  for (const line of renderPlan(priced, planHash)) output.line(line);
  output.line(`Rate: ${rate.because}.`);
  for (const refusal of refusals) output.line(`Refused: ${refusal}.`);
  if (options.stages) {
    output.line();
    for (const { stage, done } of priced.stages)
      output.line(`${stage.key.slice(0, 12)}  ${done ? 'done' : '    '}  ${stage.label}`);
  }
  return exitCode;
}
