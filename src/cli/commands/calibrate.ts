import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, type ExitCode } from '../exit-codes.ts';

interface GivenOptions extends StoreOptions {
  readonly sigma?: string;
  readonly tau: string;
  readonly replications?: string;
}

export function calibrateCommand(): Command {
  const command = makeCommand({
    usage: 'calibrate <sweep>',
    description:
      "Simulate how often the decision table errs with a plan's own scales and seeds; without that record no verdict is SHARP",
    examples: ['lethe calibrate quickstart', 'lethe calibrate quickstart --sigma 0.08 --tau 0.02'],
  })
    .option(
      '--sigma <spread>',
      "standard deviation between seeds of one scale (default: as measured in the sweep's own report)",
    )
    .option('--tau <spread>', 'standard deviation of what belongs to a scale alone', '0')
    .option('--replications <count>', 'simulated sweeps per truth');
  return withStoreOptions(command).action(exitsWith(calibrate));
}

async function calibrate(name: string, { sigma, tau, replications, ...options }: GivenOptions): Promise<ExitCode> {
  const number = (option: string, text: string, least: number) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
    throw new BadInput(`--${option}: expected a number ≥ ${least}, got "${text}"`);
  };
  const { calibrateSweep } = await import('../calibrate-sweep.ts');
  return calibrateSweep(name, {
    ...options,
    tau: number('tau', tau, 0),
    ...(sigma === undefined ? {} : { sigma: number('sigma', sigma, 1e-6) }),
    ...(replications === undefined ? {} : { replications: number('replications', replications, 100) }),
  });
}
