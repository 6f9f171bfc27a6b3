import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { startTemporalServer, type TemporalServer } from '../support/temporal-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { apply, objectsOfOverlay } from './overlay.ts';
import { storeVolume } from './store-volume.ts';

/** Of k8s/base: the owner of the store. */
const USER = 65_532;

/** A cluster into which k8s/overlays/test is installed: a worker in its pod beside its volume, with Temporal on this machine. */
export interface InstalledLethe {
  readonly cluster: Cluster;
  readonly temporal: TemporalServer;
  /** For the test's own files. */
  readonly folder: string;
  /** The volume, as this machine sees it. */
  readonly store: string;
  stop(): Promise<void>;
}

export async function installLethe(): Promise<InstalledLethe> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-installed-'));
  const store = mkdtempSync(join(tmpdir(), 'lethe-volume-'));
  chownSync(store, USER, USER);
  const images = ['trainer', 'worker'].map((name) => {
    const archive = join(folder, `${name}.tar`);
    const script = join(projectFolder, 'scripts', 'images', `${name}-image.mjs`);
    execFileSync(process.execPath, [script, archive, `localhost/lethe-${name}:latest`]);
    return archive;
  });
  const temporal = await startTemporalServer('lethe');
  const cluster = await startCluster({ images });
  const stop = async () => {
    await cluster.stop();
    temporal.stop();
    for (const each of [folder, store]) rmSync(each, { recursive: true, force: true });
  };
  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', 'lethe', ...args]);
  try {
    const address = await cluster.hostService(temporal.port);
    const objects = await objectsOfOverlay(cluster, 'test', (manifests) =>
      manifests.replace('temporal-frontend.temporal:7233', address),
    );
    await apply(cluster, [storeVolume('lethe', store), ...objects]);
    await kubectl('rollout', 'status', 'deployment/lethe-worker', '--timeout=120s').catch(async (error: Error) => {
      throw new Error(
        `${error.message}\n${await kubectl('describe', 'pods')}\n${await kubectl('logs', 'deployment/lethe-worker')}`,
      );
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { cluster, temporal, folder, store, stop };
}
