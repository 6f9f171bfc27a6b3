import { LauncherUnreachable } from '../job-launcher.ts';
import type { ApiClient } from './api-client.ts';
import type { ClusterObject, Condition, Job } from './cluster-objects.ts';
import { QUEUE_LABEL } from './names-and-labels.ts';

/** A Workload of Kueue (kueue.x-k8s.io/v1beta2): its word on a Job that waits. */
interface Workload extends ClusterObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const JOB_UID_LABEL = 'kueue.x-k8s.io/job-uid';

/**
 * Why a suspended Job waits, in the words of its queue: evicted and queued again, or not yet admitted. Without Kueue, or before it has seen the Job, only that
 * it is in the queue.
 */
export async function queueReason(api: ApiClient, job: Job): Promise<string> {
  const queue = job.metadata.labels?.[QUEUE_LABEL];
  if (queue === undefined) return 'its Job is suspended, and not by Lethe';
  const workload = await workloadOf(api, job);
  const conditions = workload?.status?.conditions ?? [];
  const told = (type: string, status: Condition['status']) =>
    conditions.find((condition) => condition.type === type && condition.status === status)?.message;
  const evicted = told('Evicted', 'True');
  const waits = told('QuotaReserved', 'False') ?? told('Admitted', 'False');
  const words = [evicted && `was sent back: ${evicted}`, waits].filter(Boolean).join('; ');
  return words === '' ? `in queue ${queue}` : `in queue ${queue}: ${words}`;
}

async function workloadOf(api: ApiClient, job: Job): Promise<Workload | undefined> {
  const path = `/apis/kueue.x-k8s.io/v1beta2/namespaces/${api.namespace}/workloads`;
  try {
    const { items } = await api.get<{ items: Workload[] }>(path, {
      labelSelector: `${JOB_UID_LABEL}=${job.metadata.uid}`,
    });
    return items[0];
  } catch (error) {
    // No such kind in this cluster, no right to see it, no answer: the Job is in its queue all the same.
    if (error instanceof LauncherUnreachable) return undefined;
    throw error;
  }
}
