import { Store } from '../../src/artifacts/store.ts';
import { readClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { createLetheWorker, installRuntime } from '../../src/worker.ts';

/** `node bench/kubernetes/bench-worker.ts STORE CLUSTER-FILE`: a worker as it runs in a cluster, but for the analysis, which has benchmarks of its own. */
const [storePath = '', clusterFile = ''] = process.argv.slice(2);
installRuntime('warn');
const { temporal } = await Store.open(storePath);
const worker = await createLetheWorker({
  storePath,
  ...temporal,
  cluster: await readClusterSettings(clusterFile),
  health: { port: 0 },
  finishing: {
    gatherForgetting: async () => ({ missingRuns: [], wholeRuns: 0, tablesDigest: 'none' }),
    analyse: async () => ({ verdict: 'UNLEARNED', statisticsDigest: 'none' }),
    writeReport: async () => ({ report: 'none' }),
  },
});
process.send?.({ healthPort: worker.healthPort });
// The benchmark is gone, however it ended.
process.on('disconnect', () => process.exit(1));
await worker.run();
