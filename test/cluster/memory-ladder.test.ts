import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { projectFolder } from '../../src/cli/project-folder.ts';
import type { JobWishes } from '../../src/jobs/job-launcher.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';
import { parseClusterSettings } from '../../src/jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../../src/jobs/kubernetes/connect-to-cluster.ts';
import { KubernetesJobLauncher } from '../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { connect } from '../../src/temporal/connection.ts';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { createLetheWorker } from '../../src/worker.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { startTemporalServer, type TemporalServer } from './temporal-server.ts';
import { CLAIM, makeTrainingNamespace } from './training-namespace.ts';

const IMAGE = 'localhost/lethe-trainer:test';
const NAMESPACE = 'ladder';
/** With 1,024 sequences at once the trainer takes 63 MiB, with 512 little more than half of it. */
const LIMIT = 44 * 2 ** 20;

/** A cluster that gives jobs less than they were estimated to need. */
class StingyLauncher extends KubernetesJobLauncher {
  override complete(spec: JobSpec, wishes: JobWishes): JobSpec {
    return super.complete({ ...spec, resources: { ...spec.resources, memoryBytes: LIMIT } }, wishes);
  }
}

describe('a trainer that meets the memory limit of its pod', { timeout: 300_000 }, () => {
  let folder: string;
  let cluster: Cluster;
  let temporal: TemporalServer;
  let umask: number;
  beforeAll(async () => {
    // What the worker makes is written by jobs that are nobody in particular.
    umask = process.umask(0);
    folder = mkdtempSync(join(tmpdir(), 'lethe-ladder-'));
    const archive = join(folder, 'trainer.tar');
    execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, IMAGE]);
    temporal = await startTemporalServer(NAMESPACE);
    cluster = await startCluster({ images: [archive] });
  });
  afterAll(async () => {
    await cluster?.stop();
    temporal?.stop();
    rmSync(folder, { recursive: true, force: true });
    process.umask(umask);
  });

  it('is killed by the kernel, and ends the stage on the next rung: half the micro-batch, twice the accumulation', async () => {
    const path = join(folder, 'store');
    mkdirSync(path);
    const server = { address: `127.0.0.1:${temporal.port}`, namespace: NAMESPACE };
    const store = await Store.create(path, server);
    await makeTrainingNamespace(cluster, NAMESPACE, path);
    const settings = parseClusterSettings(
      {
        kubeconfig: cluster.kubeconfig,
        namespace: NAMESPACE,
        image: IMAGE,
        imagePullPolicy: 'Never',
        store: { claim: CLAIM },
        memoryLimit: '1GiB',
        defaults: { cores: 0.5, memory: '1GiB' },
      },
      'test',
    );
    const api = new ApiClient(await connectToCluster(settings));
    const launcher = new StingyLauncher({ api, settings, storeId: store.id, storePath: path });
    const worker = await createLetheWorker({ storePath: path, ...server, cluster: settings, launcher, watchMs: 1_000 });
    const running = worker.run();
    const file = join(folder, 'toy.yaml');
    const toy = toySweepFile({ models: 'gpt2-d64', steps: 6, reviewSteps: 4, anchorStep: 2 });
    writeFileSync(file, toy.replace('batch: 8', 'batch: 1024'));
    const { plan, planHash, id, sweep } = await loadSweep(file);
    await (await SweepFolder.freeze(store, plan, planHash)).saveExecution(sweep.execution);
    const lethe = await connect(server);
    const reference = { storeId: store.id, sweepId: id, planHash };
    await startSweep(lethe, reference);
    await awaitSweep(lethe, reference);
    await lethe.close();
    worker.shutdown();
    await running;
    launcher.close();
    const first = plan.stages[0]!;
    const { evidence, result } = await store.stage(first.key).history();
    expect(evidence.map(({ failure, outcome }) => failure ?? outcome)).toEqual(['out-of-memory', 'succeeded']);
    expect(evidence[0]?.events.join()).toMatch(/OOMKilled/);
    const job = await store.stage(first.key).attempt(2).job();
    expect(job?.command.join(' ')).toMatch(/--micro-batch 512 --accumulate 2/);
    expect(result).toMatchObject({ attempt: 2, microBatchChanged: true });
  });
});
