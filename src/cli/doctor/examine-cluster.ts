import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../artifacts/store.ts';
import { LauncherUnreachable } from '../../jobs/job-launcher.ts';
import { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import { isFinished, type Job } from '../../jobs/kubernetes/cluster-objects.ts';
import type { ClusterSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../../jobs/kubernetes/connect-to-cluster.ts';
import { ATTEMPT_FOLDER, selectorOfStore } from '../../jobs/kubernetes/names-and-labels.ts';
import { NEEDED_RIGHTS, nameOfRight, type Right } from '../../jobs/kubernetes/needed-rights.ts';
import { clusterFile, clusterOfStore } from '../cluster-of-store.ts';
import type { Finding } from './examinations.ts';

/** The cluster in which a store's jobs run; nothing for a store whose jobs run on this machine. */
export async function* examineClusterOf(store: Store): AsyncGenerator<Finding> {
  try {
    const settings = await clusterOfStore(store.path);
    if (settings === undefined) return;
    yield* examineCluster(new ApiClient(await connectToCluster(settings)), settings, store);
  } catch (error) {
    const fix = `mend ${clusterFile(store.path)}, or give its successor: lethe run … --on kubernetes --cluster FILE`;
    yield { what: 'cluster', level: 'bad', found: messageOf(error), fix };
  }
}

export async function* examineCluster(
  api: ApiClient,
  settings: ClusterSettings,
  store: Store,
): AsyncGenerator<Finding> {
  const reached = await examineServer(api);
  yield reached;
  if (reached.level === 'bad') return;
  yield await orUnknown('rights', () => examineRights(api));
  yield await orUnknown('volume', () => examineClaim(api, settings));
  for (const queue of queuesOf(settings)) yield await orUnknown('queue', () => examineQueue(api, queue));
  yield* examineClusterJobs(api, store);
}

async function examineServer(api: ApiClient): Promise<Finding> {
  try {
    const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
    return { what: 'cluster', level: 'good', found: `Kubernetes ${gitVersion}, namespace ${api.namespace}` };
  } catch (error) {
    const fix = 'jobs run on meanwhile; look at the kubeconfig, the context and the way to the API server';
    return { what: 'cluster', level: 'bad', found: messageOf(error), fix };
  }
}

/** Of whoever runs this command: in the worker's pod those are the worker's. */
async function examineRights(api: ApiClient): Promise<Finding> {
  const allowed = await Promise.all(NEEDED_RIGHTS.map((right) => isAllowed(api, right)));
  const missing = NEEDED_RIGHTS.filter((_, index) => !allowed[index]).map(nameOfRight);
  if (missing.length === 0) return { what: 'rights', level: 'good', found: `all ${allowed.length} that jobs need` };
  const fix = `bind k8s/base/role.yaml in namespace ${api.namespace} to who runs the worker`;
  return { what: 'rights', level: 'bad', found: `lacks ${missing.join(', ')}`, fix };
}

async function isAllowed(api: ApiClient, { verb, group, resource }: Right): Promise<boolean> {
  const [name, subresource] = resource.split('/');
  const resourceAttributes = {
    namespace: api.namespace,
    verb,
    group,
    resource: name,
    ...(subresource && { subresource }),
  };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const { status } = await api.call<{ status: { allowed: boolean } }>({ method: 'POST', path, body });
  return status.allowed;
}

async function examineClaim(api: ApiClient, { store: { claim } }: ClusterSettings): Promise<Finding> {
  const path = `/api/v1/namespaces/${api.namespace}/persistentvolumeclaims/${claim}`;
  const found = await api.find<{ status?: { phase?: string } }>(path);
  const phase = found?.status?.phase ?? 'no such claim';
  if (phase === 'Bound') return { what: 'volume', level: 'good', found: `claim ${claim} is bound` };
  const fix = `kubectl -n ${api.namespace} describe pvc ${claim}; k8s/base/store.yaml makes one`;
  return { what: 'volume', level: 'bad', found: `claim ${claim}: ${phase}`, fix };
}

async function examineQueue(api: ApiClient, queue: string): Promise<Finding> {
  const path = `/apis/kueue.x-k8s.io/v1beta2/namespaces/${api.namespace}/localqueues/${queue}`;
  if ((await api.find(path)) !== undefined) return { what: 'queue', level: 'good', found: queue };
  const fix = 'make it (k8s/overlays/kueue), or take `queue` out of the settings: its Jobs would stay suspended';
  return { what: 'queue', level: 'bad', found: `no LocalQueue ${queue} in namespace ${api.namespace}`, fix };
}

function queuesOf({ defaults, scales }: ClusterSettings): readonly string[] {
  const all = [defaults, ...scales].map(({ queue }) => queue);
  return [...new Set(all.filter((queue) => queue !== undefined))];
}

/** Jobs that nobody waits for: their attempt is over, or its folder is gone. */
async function* examineClusterJobs(api: ApiClient, store: Store): AsyncGenerator<Finding> {
  const path = `/apis/batch/v1/namespaces/${api.namespace}/jobs`;
  const { items } = await api.get<{ items: readonly Job[] }>(path, { labelSelector: selectorOfStore(store.id) });
  const open = items.filter((job) => !isFinished(job));
  const left = open.filter((job) => {
    const folder = job.metadata.annotations?.[ATTEMPT_FOLDER];
    return folder === undefined || !existsSync(folder) || existsSync(join(folder, 'evidence.json'));
  });
  for (const { metadata } of left) {
    const fix = `kubectl -n ${api.namespace} delete job ${metadata.name}`;
    yield { what: 'job', level: 'bad', found: `Job ${metadata.name} goes on, its attempt is over`, fix };
  }
  const found = `${open.length - left.length} in the cluster at work or waiting, ${items.length - open.length} ended`;
  if (left.length === 0) yield { what: 'jobs', level: 'good', found };
}

/** What may not be asked is no finding. */
async function orUnknown(what: string, examine: () => Promise<Finding>): Promise<Finding> {
  try {
    return await examine();
  } catch (error) {
    if (!(error instanceof LauncherUnreachable)) throw error;
    return { what, level: 'note', found: `could not be looked at: ${error.message}` };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
