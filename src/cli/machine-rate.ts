import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from '../artifacts/publish.ts';
import { replaceFile } from '../artifacts/replace-file.ts';
import { cacheFolder } from '../temporal/temporal-cli.ts';
import { trainerBinary } from './project-folder.ts';

export interface MachineRate {
  /** Of one slot (one core) in large products. */
  readonly flopsPerSecond: number;
  /** `measured` by this trainer on this machine; `assumed` when the trainer is not built or cannot run. */
  readonly source: 'measured' | 'assumed';
  /** Where the number comes from, for the person who doubts it. */
  readonly because: string;
}

/** A core of a plain server of the last ten years does at least this in fp32. */
const ASSUMED_FLOPS = 30e9;
const run = promisify(execFile);

/**
 * The rate at which this machine multiplies matrices. Measured once per trainer build and CPU, in about a second, then kept in the user's cache folder. Never part of a plan.
 */
export async function machineRate(trainer = trainerBinary): Promise<MachineRate> {
  let build: string;
  try {
    const version: { build: string; cpu: string } = JSON.parse(
      (await run(trainer, ['--version'], { timeout: 10_000 })).stdout,
    );
    build = `${version.build.slice(0, 16)}-${version.cpu}`;
  } catch (error) {
    const why = hasCode(error, 'ENOENT')
      ? 'the trainer is not built (npm run setup)'
      : 'the trainer does not run (lethe doctor)';
    return { flopsPerSecond: ASSUMED_FLOPS, source: 'assumed', because: `assumed 30 GFLOP/s a core: ${why}` };
  }
  const file = join(cacheFolder(), 'rates', `${build}.json`);
  const gflops = (await known(file)) ?? (await measure(trainer, file));
  return {
    flopsPerSecond: gflops * 1e9,
    source: 'measured',
    because: `measured ${gflops.toFixed(0)} GFLOP/s a core on this machine`,
  };
}

/** Measures anew, whatever is kept. */
export async function measure(trainer: string, file?: string): Promise<number> {
  const { stdout } = await run(trainer, ['--measure', '--threads', '1'], { timeout: 60_000 });
  const { gflops } = JSON.parse(stdout) as { gflops: number };
  if (!(gflops > 0)) throw new Error(`expected a rate above 0 from ${trainer} --measure, got ${stdout.trim()}`);
  if (file !== undefined) await replaceFile(file, stdout);
  return gflops;
}

async function known(file: string): Promise<number | undefined> {
  try {
    const { gflops } = JSON.parse(await readFile(file, 'utf8')) as { gflops: number };
    return gflops > 0 ? gflops : undefined;
  } catch {
    return undefined;
  }
}
