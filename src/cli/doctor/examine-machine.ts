import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../experiment/message-of.ts';
import { findTemporalCli, temporalServerVersion } from '../../temporal/temporal-cli.ts';
import { machineRate } from '../machine-rate.ts';
import { launchBinary, projectFolder, trainerBinary } from '../project-folder.ts';
import type { Finding } from './examinations.ts';

/** What of this machine is used at all: a worker's image in a cluster holds neither. */
export interface MachineParts {
  /** It starts the store's own Temporal server. */
  readonly server: boolean;
  /** It runs the jobs. */
  readonly trainer: boolean;
}

const run = promisify(execFile);

/** What a machine needs to run what is asked of it. */
export async function* examineMachine({ server, trainer }: MachineParts): AsyncGenerator<Finding> {
  yield { what: 'Node', level: 'good', found: `${process.version} at ${process.execPath}` };
  if (server) yield await examineTemporalCli();
  if (trainer) yield await examineTrainer();
}

async function examineTemporalCli(): Promise<Finding> {
  try {
    const cli = findTemporalCli();
    return { what: 'Temporal', level: 'good', found: `server ${temporalServerVersion(cli)}, ${cli}` };
  } catch (error) {
    return { what: 'Temporal', level: 'bad', found: messageOf(error), fix: 'npm run setup, or set TEMPORAL_CLI' };
  }
}

async function examineTrainer(): Promise<Finding> {
  const build = `npm run setup (in ${projectFolder})`;
  for (const binary of [trainerBinary, launchBinary]) {
    try {
      await access(binary, constants.X_OK);
    } catch {
      return { what: 'native build', level: 'bad', found: `${binary} is missing`, fix: build };
    }
  }
  try {
    const { stdout } = await run(trainerBinary, ['--version'], { timeout: 10_000 });
    const { version, build: digest, cpu } = JSON.parse(stdout) as { version: string; build: string; cpu: string };
    const rate = await machineRate();
    return {
      what: 'native build',
      level: 'good',
      found: `trainer ${version}, build ${digest.slice(0, 12)}, ${cpu}, ${rate.because}`,
    };
  } catch (error) {
    return { what: 'native build', level: 'bad', found: `the trainer does not run: ${messageOf(error)}`, fix: build };
  }
}
