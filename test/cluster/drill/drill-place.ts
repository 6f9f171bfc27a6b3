import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../../src/cli/project-folder.ts';
import type { DrillParts } from '../../../src/drill/drill-options.ts';
import { drillSweep } from '../../../src/drill/drill-sweep.ts';
import { MountedDrillStore } from '../../../src/drill/mounted-store.ts';
import { ApiClient } from '../../../src/jobs/kubernetes/api-client.ts';
import { connectToCluster } from '../../../src/jobs/kubernetes/connect-to-cluster.ts';
import { connect } from '../../../src/temporal/connection.ts';
import { startTemporalServer } from '../../support/temporal-server.ts';
import { startCluster } from '../cluster.ts';
import { CLAIM, makeTrainingNamespace } from '../training-namespace.ts';
import { TestClusterMeans } from './test-cluster-means.ts';

const NAMESPACE = 'drill';
const IMAGE = 'localhost/lethe-trainer:test';
/** Room for some checkpoints of the drill's model, and soon full. */
const SMALL_VOLUME = 'size=24m';

export interface DrillPlaceOptions {
  /** Archive of the trainer's image, instead of one packed from the native build. */
  readonly image?: string;
  /** Its histories can be looked at. */
  readonly ui?: boolean;
  /** How long the API server is away in the rows that take it away. */
  readonly outageSeconds?: number;
}

/**
 * A test cluster of two nodes with all that a drill needs. The small volume is a mount of this process's mount namespace: whoever calls it is to be in one of its
 * own, or the machine keeps the mount when the process is killed.
 */
export async function makeDrillPlace({ image, ui = false, outageSeconds }: DrillPlaceOptions = {}) {
  // The worker of a test is root, its jobs are nobody in particular.
  process.umask(0);
  const folder = mkdtempSync(join(tmpdir(), 'lethe-drill-'));
  const mount = join(folder, 'store');
  const rows = join(mount, 'rows');
  const smallVolume = join(rows, 'volume-full');
  mkdirSync(smallVolume, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `${SMALL_VOLUME},mode=777`, 'lethe-drill', smallVolume]);
  const archive = image ?? join(folder, 'trainer.tar');
  if (image === undefined)
    execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, IMAGE]);
  const server = await startTemporalServer(NAMESPACE, { ui });
  const cluster = await startCluster({ nodes: 2, fast: true, images: [archive] });
  await makeTrainingNamespace(cluster, NAMESPACE, mount);
  const temporal = { address: `127.0.0.1:${server.port}`, namespace: NAMESPACE };
  const lethe = await connect(temporal);
  const connection = await connectToCluster({ kubeconfig: cluster.kubeconfig, namespace: NAMESPACE });
  const sweep = await drillSweep(outageSeconds);
  const store = new MountedDrillStore({ folder: rows, mount, subPath: '', temporal, sweep, smallVolume });
  const parts: DrillParts = {
    sweep,
    store,
    connection,
    api: new ApiClient(connection),
    lethe,
    means: new TestClusterMeans(cluster, smallVolume),
    written: {
      kubeconfig: cluster.kubeconfig,
      namespace: NAMESPACE,
      image: IMAGE,
      imagePullPolicy: 'Never',
      store: { claim: CLAIM },
      nodeLostSeconds: 3,
      defaults: { graceSeconds: 3 },
    },
  };
  return {
    parts,
    /** Address of the namespace in Temporal's UI. */
    uiAddress: `http://127.0.0.1:${server.uiPort}/namespaces/${NAMESPACE}`,
    close: async () => {
      await lethe.close();
      await cluster.stop();
      server.stop();
      execFileSync('umount', ['--lazy', smallVolume]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
