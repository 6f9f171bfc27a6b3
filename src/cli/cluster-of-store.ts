import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../artifacts/publish.ts';
import { replaceFile } from '../artifacts/replace-file.ts';
import type { Store } from '../artifacts/store.ts';
import { BadClusterSettings, type ClusterSettings, readClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { embeddedFolder } from '../temporal/embedded-server.ts';
import { BadInput } from './exit-codes.ts';

/** Stages of one sweep under way in a cluster, queued ones included. */
export const CLUSTER_PARALLEL = 64;

/** Where the jobs of a run are asked to be: `--on` and `--cluster`. */
export interface AskedPlace {
  readonly on?: string;
  readonly cluster?: string;
}

/**
 * Remembers with the store where its jobs run, so that every command that starts its worker again means the same place. The settings are copied whole: the store
 * goes on with them when their file is gone. Without `on` nothing changes.
 */
export async function placeJobs(store: Store, { on, cluster }: AskedPlace): Promise<void> {
  const file = clusterFile(store.path);
  if (on === 'local') rmSync(file, { force: true });
  if (on !== 'kubernetes' || cluster === undefined) return;
  await replaceFile(file, await readFile(cluster), { mode: 0o600 });
}

/** Refuses words and settings that do not go together, before anything is created. */
export async function requirePlace(
  { on, cluster }: AskedPlace,
  store: Store | undefined,
): Promise<ClusterSettings | undefined> {
  if (on !== undefined && on !== 'local' && on !== 'kubernetes')
    throw new BadInput(`--on: expected local or kubernetes, got "${on}"`);
  if (cluster !== undefined && on !== 'kubernetes')
    throw new BadInput('--cluster: expected together with --on kubernetes');
  if (on === 'local') return undefined;
  const settings = cluster === undefined ? store && (await clusterOfStore(store.path)) : await settingsIn(cluster);
  if (on === 'kubernetes' && settings === undefined)
    throw new BadInput(
      '--on kubernetes: expected --cluster FILE with the settings of the cluster (docs/kubernetes.md)',
    );
  return settings;
}

/** Settings of the cluster in which the jobs of a store run; undefined: on this machine. */
export async function clusterOfStore(path: string): Promise<ClusterSettings | undefined> {
  return existsSync(clusterFile(path)) ? settingsIn(clusterFile(path)) : undefined;
}

/** Tells one place from another; undefined for this machine. */
export function clusterDigest(path: string): string | undefined {
  try {
    return createHash('sha256')
      .update(readFileSync(clusterFile(path)))
      .digest('hex');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function clusterFile(path: string): string {
  return join(embeddedFolder(path), 'cluster.yaml');
}

async function settingsIn(file: string): Promise<ClusterSettings> {
  try {
    return await readClusterSettings(file);
  } catch (error) {
    throw error instanceof BadClusterSettings ? new BadInput(error.message) : error;
  }
}
