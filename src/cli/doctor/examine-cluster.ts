import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../artifacts/store.ts';
import { messageOf } from '../../experiment/message-of.ts';
import { LauncherUnreachable } from '../../jobs/job-launcher.ts';
import { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import { pathOf } from '../../jobs/kubernetes/api-paths.ts';
import { isFinished, type Job } from '../../jobs/kubernetes/cluster-objects.ts';
import type { ClusterSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../../jobs/kubernetes/connect-to-cluster.ts';
import { missingRights } from '../../jobs/kubernetes/missing-rights.ts';
import { ATTEMPT_FOLDER, selectorOfStore } from '../../jobs/kubernetes/names-and-labels.ts';
import { NEEDED_RIGHTS, QUEUE_RIGHTS } from '../../jobs/kubernetes/needed-rights.ts';
import { clusterFile, clusterOfStore } from '../cluster-of-store.ts';
import type { Finding } from './examinations.ts';
import { examineDevices } from './examine-devices.ts';
import { examineImage } from './examine-image.ts';

export interface ClusterExamination {
  /** Instead of those that the store remembers. */
  readonly settings?: ClusterSettings;
  /** Run the image once, as a Job like those of stages. */
  readonly probe?: boolean;
}

/** A store, or the place where there is none yet. */
export type StorePlace = Pick<Store, 'path'> & Partial<Pick<Store, 'id'>>;

/** The cluster in which a store's jobs run; nothing for a store whose jobs run on this machine. */
export async function* examineClusterOf(
  store: StorePlace,
  { settings: given, probe = false }: ClusterExamination,
): AsyncGenerator<Finding> {
  try {
    const settings = given ?? (await clusterOfStore(store.path));
    if (settings === undefined) return;
    yield* examineCluster(new ApiClient(await connectToCluster(settings)), settings, store, probe);
  } catch (error) {
    const fix = `mend ${clusterFile(store.path)}, or give its successor: lethe run … --on kubernetes --cluster FILE`;
    yield { what: 'cluster', level: 'bad', found: messageOf(error), fix };
  }
}

export async function* examineCluster(
  api: ApiClient,
  settings: ClusterSettings,
  { path, id }: StorePlace,
  probe = false,
): AsyncGenerator<Finding> {
  const reached = await examineServer(api);
  yield reached;
  if (reached.level === 'bad') return;
  yield* orUnknown('rights', () => examineRights(api, queuesOf(settings).length > 0));
  yield* examineObjects(api, settings);
  yield* orUnknown('image', () => examineImage(api, settings, path, probe));
  if (id !== undefined) yield* orUnknown('jobs', () => examineClusterJobs(api, id));
}

/** What jobs find in the cluster: claim, devices, queues. The worker's Role grants none of these looks, since it needs none of them. */
export async function* examineObjects(api: ApiClient, settings: ClusterSettings): AsyncGenerator<Finding> {
  const inNamespace = `kubectl -n ${api.namespace}`;
  const { claim } = settings.store;
  yield* orUnknown('volume', () => examineClaim(api, settings), `${inNamespace} get pvc ${claim}`);
  yield* orUnknown('devices', () => examineDevices(api, settings), 'kubectl describe nodes');
  for (const queue of queuesOf(settings))
    yield* orUnknown('queue', () => examineQueue(api, queue), `${inNamespace} get localqueue ${queue}`);
}

export async function examineServer(api: ApiClient): Promise<Finding> {
  try {
    const { gitVersion } = await api.get<{ gitVersion: string }>('/version');
    return { what: 'cluster', level: 'good', found: `Kubernetes ${gitVersion}, namespace ${api.namespace}` };
  } catch (error) {
    const fix = 'jobs run on meanwhile; look at the kubeconfig, the context and the way to the API server';
    return { what: 'cluster', level: 'bad', found: messageOf(error), fix };
  }
}

/** Of whoever runs this command: in the worker's pod those are the worker's. */
async function examineRights(api: ApiClient, queues: boolean): Promise<Finding> {
  const needed = [...NEEDED_RIGHTS, ...(queues ? QUEUE_RIGHTS : [])];
  const missing = await missingRights(api, needed);
  if (missing.length === 0) return { what: 'rights', level: 'good', found: `all ${needed.length} that jobs need` };
  const fix = `bind the Role of ${queues ? 'k8s/overlays/kueue' : 'k8s/base/role.yaml'} in namespace ${api.namespace} to who runs the worker`;
  return { what: 'rights', level: 'bad', found: `lacks ${missing.join(', ')}`, fix };
}

async function examineClaim(api: ApiClient, { store: { claim } }: ClusterSettings): Promise<Finding> {
  const path = pathOf(api, 'persistentvolumeclaims', claim);
  const found = await api.find<{ status?: { phase?: string; accessModes?: readonly string[] } }>(path);
  const phase = found?.status?.phase ?? 'no such claim';
  const modes = found?.status?.accessModes ?? [];
  if (phase === 'Bound' && modes.length > 0 && !modes.includes('ReadWriteMany')) {
    const fix = 'good for one node; jobs on several need a class with ReadWriteMany';
    return { what: 'volume', level: 'note', found: `claim ${claim} is bound, ${modes.join(', ')}`, fix };
  }
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
async function examineClusterJobs(api: ApiClient, storeId: string): Promise<Finding[]> {
  const path = pathOf(api, 'jobs');
  const { items } = await api.get<{ items: readonly Job[] }>(path, { labelSelector: selectorOfStore(storeId) });
  const open = items.filter((job) => !isFinished(job));
  const left = open.filter((job) => {
    const folder = job.metadata.annotations?.[ATTEMPT_FOLDER];
    return folder === undefined || !existsSync(folder) || existsSync(join(folder, 'evidence.json'));
  });
  if (left.length === 0) {
    const found = `${open.length} in the cluster at work or waiting, ${items.length - open.length} ended`;
    return [{ what: 'jobs', level: 'good', found }];
  }
  return left.map(({ metadata }) => ({
    what: 'job',
    level: 'bad',
    found: `Job ${metadata.name} goes on, its attempt is over`,
    fix: `kubectl -n ${api.namespace} delete job ${metadata.name}`,
  }));
}

/** What may not be asked needs no hand; `elsewhere`: who may, sees it so. */
export async function* orUnknown(
  what: string,
  examine: () => Promise<Finding | readonly Finding[]>,
  elsewhere?: string,
): AsyncGenerator<Finding> {
  try {
    const found = await examine();
    yield* 'level' in found ? [found] : found;
  } catch (error) {
    if (!(error instanceof LauncherUnreachable)) throw error;
    const fix = elsewhere === undefined ? {} : { fix: `from where you may: ${elsewhere}` };
    yield { what, level: 'note', found: `could not be looked at: ${error.message}`, ...fix };
  }
}
