import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { NoStore, Store } from '../../artifacts/store.ts';
import { messageOf } from '../../experiment/message-of.ts';
import { clusterFile } from '../cluster-of-store.ts';
import { isEmbedded } from '../session.ts';
import { formatBytes } from '../terminal/duration.ts';
import { type ClusterExamination, examineClusterOf } from './examine-cluster.ts';
import { examineJobs } from './examine-jobs.ts';
import { examineMachine } from './examine-machine.ts';
import { examineProcesses } from './examine-processes.ts';
import { examineVolume } from './examine-volume.ts';

export interface Finding {
  readonly what: string;
  /** `bad` needs a hand; `note` is worth knowing. */
  readonly level: 'good' | 'note' | 'bad';
  readonly found: string;
  readonly fix?: string;
}

const LEAST_FREE_BYTES = 2e9;
const LEAST_FREE_SHARE = 0.03;

/**
 * A store in a folder and all that it works with: this machine, its processes, and the cluster of its jobs, which can be looked at before there is a store.
 * Of this machine only what is used: jobs of a cluster bring their trainer, and a server that somebody else runs is not started here.
 */
export async function* examineFolder(folder: string, cluster: ClusterExamination = {}): AsyncGenerator<Finding> {
  const opened = await openStoreAt(folder);
  const store = opened instanceof Store ? opened : undefined;
  const inCluster = cluster.settings !== undefined || existsSync(clusterFile(folder));
  yield* examineMachine({ server: store === undefined || isEmbedded(store), trainer: !inCluster });
  yield opened instanceof Store
    ? { what: 'store', level: 'good', found: `${opened.path} (${opened.shortId}), of ${opened.temporal.address}` }
    : opened;
  // A fresh volume is fit for a store or not.
  if (existsSync(folder)) {
    yield await examineOwner(folder);
    yield await examineDisk(folder);
    yield await examineVolume(folder);
  }
  if (store !== undefined) {
    yield* examineProcesses(store);
    yield* examineJobs(store);
  }
  yield* examineClusterOf(store ?? { path: folder }, cluster);
}

async function openStoreAt(folder: string): Promise<Store | Finding> {
  try {
    return await Store.open(folder);
  } catch (error) {
    if (error instanceof NoStore)
      return { what: 'store', level: 'note', found: `none at ${folder} yet; "lethe run" makes one` };
    const fix = `restore ${join(folder, 'store.json')} from a copy, or use another --store`;
    return { what: 'store', level: 'bad', found: messageOf(error), fix };
  }
}

/** Worker and trainer must be one user: files of another can be neither linked nor removed. */
async function examineOwner(folder: string): Promise<Finding> {
  const { uid } = await stat(folder);
  const me = process.getuid?.() ?? uid;
  if (uid === me) return { what: 'owner', level: 'good', found: `user ${uid}, as this command` };
  return {
    what: 'owner',
    level: 'bad',
    found: `the store belongs to user ${uid}, this command runs as ${me}`,
    fix: `run lethe as user ${uid}, or chown -R ${me} ${folder}`,
  };
}

async function examineDisk(folder: string): Promise<Finding> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder);
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
