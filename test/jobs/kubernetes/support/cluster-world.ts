import { join } from 'node:path';
import type { JobSpec } from '../../../../src/artifacts/job-spec.ts';
import { publishJson } from '../../../../src/artifacts/read-json.ts';
import { stopSchema } from '../../../../src/artifacts/schemas.ts';
import { ApiClient } from '../../../../src/jobs/kubernetes/api-client.ts';
import { parseClusterSettings } from '../../../../src/jobs/kubernetes/cluster-settings.ts';
import { KubernetesJobLauncher } from '../../../../src/jobs/kubernetes/kubernetes-launcher.ts';
import { SPEC } from '../../../artifacts/support/stage-world.ts';
import { type TemporaryStore, temporaryStore } from '../../support/temporary-store.ts';
import { FakeApiServer } from './fake-api-server.ts';

const WRITTEN = {
  image: 'localhost/trainer:1',
  store: { claim: 'store' },
  nodeLostSeconds: 60,
  defaults: { graceSeconds: 10 },
};

/** A store, a fake API server, and launchers between them. */
export class ClusterWorld {
  readonly server: FakeApiServer;
  readonly temporary: TemporaryStore;
  private readonly launchers: KubernetesJobLauncher[] = [];

  private constructor(server: FakeApiServer, temporary: TemporaryStore) {
    this.server = server;
    this.temporary = temporary;
  }

  static async create(): Promise<ClusterWorld> {
    return new ClusterWorld(await FakeApiServer.start(), await temporaryStore());
  }

  launcher(written: object = {}): KubernetesJobLauncher {
    const { store } = this.temporary;
    const launcher = new KubernetesJobLauncher({
      api: new ApiClient(this.server.connection, { callMs: 2_000, patienceMs: 0 }),
      settings: parseClusterSettings({ ...WRITTEN, ...written }, 'cluster.yaml'),
      storeId: store.id,
      storePath: store.path,
    });
    this.launchers.push(launcher);
    return launcher;
  }

  /** A job as it stands in job.json of its attempt. */
  async job(launcher: KubernetesJobLauncher): Promise<JobSpec> {
    const made = await this.temporary.job(() => ['/lethe-trainer']);
    return launcher.complete(made, { model: SPEC.model });
  }

  /** Adds the pod that the Job controller would make. */
  pod(
    spec: JobSpec,
    status: object,
    more: { readonly name?: string; readonly node?: string; readonly metadata?: object } = {},
  ): void {
    const { name = `${spec.name}-x1`, node, metadata = {} } = more;
    const { template } = (
      spec.manifest as { spec: { template: { metadata: { labels: object; annotations: object } } } }
    ).spec;
    const labels = { ...template.metadata.labels, 'batch.kubernetes.io/job-name': spec.name };
    this.server.put('pods', {
      metadata: { name, ...template.metadata, labels, ...metadata },
      spec: node === undefined ? {} : { nodeName: node },
      status,
    });
  }

  finish(spec: JobSpec, type: 'Complete' | 'Failed', reason = 'BackoffLimitExceeded'): void {
    this.server.patch('jobs', spec.name, { status: { conditions: [{ type, status: 'True', reason }] } });
  }

  async close(): Promise<void> {
    for (const launcher of this.launchers) launcher.close();
    await this.server.stop();
    await this.temporary.remove();
  }
}

export const RUNNING = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True' }],
  containerStatuses: [{ state: { running: { startedAt: '2026-01-02T03:04:05Z' } } }],
};

export function ended(exitCode: number, reason = 'Error', more: object = {}): object {
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode, reason, ...more } } }],
  };
}

export async function publishStop(spec: JobSpec): Promise<void> {
  const wish = { by: 'test', why: 'the test asked for it', charge: 'none', time: new Date().toISOString() };
  await publishJson(join(spec.attemptFolder, 'stop.json'), wish, stopSchema);
}
