import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NoStore, Store } from '../../artifacts/store.ts';
import { messageOf } from '../../experiment/message-of.ts';
import { findTemporalCli, temporalServerVersion } from '../../temporal/temporal-cli.ts';
import { machineRate } from '../machine-rate.ts';
import { launchBinary, projectFolder, trainerBinary } from '../project-folder.ts';
import { formatBytes } from '../terminal/duration.ts';
import { type ClusterExamination, examineClusterOf } from './examine-cluster.ts';
import { examineJobs } from './examine-jobs.ts';
import { examineProcesses } from './examine-processes.ts';
import { examineVolume } from './examine-volume.ts';

export interface Finding {
  readonly what: string;
  /** `bad` needs a hand; `note` is worth knowing. */
  readonly level: 'good' | 'note' | 'bad';
  readonly found: string;
  readonly fix?: string;
}

const run = promisify(execFile);
const LEAST_FREE_BYTES = 2e9;
const LEAST_FREE_SHARE = 0.03;

/** What a machine needs to run anything. */
export async function* examineMachine(): AsyncGenerator<Finding> {
  yield { what: 'Node', level: 'good', found: `${process.version} at ${process.execPath}` };
  yield await examineTemporalCli();
  yield await examineTrainer();
}

/** What the store and its processes look like. */
export async function* examineStore(folder: string, cluster: ClusterExamination = {}): AsyncGenerator<Finding> {
  let store: Store;
  try {
    store = await Store.open(folder);
  } catch (error) {
    if (error instanceof NoStore) {
      yield { what: 'store', level: 'note', found: `none at ${folder} yet; "lethe run" makes one` };
    } else {
      yield {
        what: 'store',
        level: 'bad',
        found: messageOf(error),
        fix: `restore ${join(folder, 'store.json')} from a copy, or use another --store`,
      };
    }
    return;
  }
  yield { what: 'store', level: 'good', found: `${store.path} (${store.shortId}), of ${store.temporal.address}` };
  yield await examineOwner(store);
  yield await examineDisk(store);
  yield await examineVolume(store.path);
  yield* examineProcesses(store);
  yield* examineJobs(store);
  yield* examineClusterOf(store, cluster);
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

/** Worker and trainer must be one user: files of another can be neither linked nor removed. */
async function examineOwner(store: Store): Promise<Finding> {
  const { uid } = await stat(store.path);
  const me = process.getuid?.() ?? uid;
  if (uid === me) return { what: 'owner', level: 'good', found: `user ${uid}, as this command` };
  return {
    what: 'owner',
    level: 'bad',
    found: `the store belongs to user ${uid}, this command runs as ${me}`,
    fix: `run lethe as user ${uid}, or chown -R ${me} ${store.path}`,
  };
}

async function examineDisk(store: Store): Promise<Finding> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(store.path);
  return judgeDisk({ free: bavail * bsize, size: blocks * bsize, filesFree: ffree, files });
}

/** A disk fills up by bytes or by the number of files. File systems without a limit on files say 0. */
export function judgeDisk(disk: {
  readonly free: number;
  readonly size: number;
  readonly filesFree: number;
  readonly files: number;
}): Finding {
  const { free, size, filesFree, files } = disk;
  const found = `${formatBytes(free)} of ${formatBytes(size)} free`;
  const fewFiles = files > 0 && filesFree / files < 0.01;
  const full = free < LEAST_FREE_BYTES || free / size < LEAST_FREE_SHARE;
  if (!full && !fewFiles) return { what: 'disk', level: 'good', found };
  return {
    what: 'disk',
    level: 'bad',
    found: full ? found : `${found}, but only ${filesFree} files more fit`,
    fix: '"lethe store gc" removes what nobody needs; "lethe store du" shows what takes the space',
  };
}
