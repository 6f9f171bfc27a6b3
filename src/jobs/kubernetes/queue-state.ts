import { LauncherUnreachable } from '../job-launcher.ts';
import type { ApiClient } from './api-client.ts';
import type { ClusterObject, Condition, Job } from './cluster-objects.ts';
import { QUEUE_LABEL } from './names-and-labels.ts';
import { SharedList } from './shared-list.ts';

/** A Workload of Kueue (kueue.x-k8s.io/v1beta2): its word on a Job that waits. */
interface Workload extends ClusterObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const JOB_UID_LABEL = 'kueue.x-k8s.io/job-uid';

/** Why suspended Jobs wait, in the words of their queue. */
export class QueueState {
  private readonly workloads: SharedList<Workload>;

  constructor(api: ApiClient) {
    this.workloads = new SharedList<Workload>(api, {
      path: `/apis/kueue.x-k8s.io/v1beta2/namespaces/${api.namespace}/workloads`,
      keyOf: ({ metadata }) => metadata.labels?.[JOB_UID_LABEL],
    });
  }

  /** Evicted and queued again, or not yet admitted. Without Kueue, or before it has seen the Job, only that it is in the queue. */
  async reasonOf(job: Job): Promise<string> {
    const queue = job.metadata.labels?.[QUEUE_LABEL];
    if (queue === undefined) return 'its Job is suspended, and not by Lethe';
    const conditions = (await this.workloadOf(job))?.status?.conditions ?? [];
    const told = (type: string, status: Condition['status']) =>
      conditions.find((condition) => condition.type === type && condition.status === status)?.message;
    const evicted = told('Evicted', 'True');
    const waits = told('QuotaReserved', 'False') ?? told('Admitted', 'False');
    const words = [evicted && `was sent back: ${evicted}`, waits !== evicted && waits].filter(Boolean).join('; ');
    return words === '' ? `in queue ${queue}` : `in queue ${queue}: ${words}`;
  }

  private async workloadOf(job: Job): Promise<Workload | undefined> {
    try {
      return (await this.workloads.about(job.metadata.uid)).at(-1);
    } catch (error) {
      // No such kind in this cluster, no right to see it, no answer: the Job is in its queue all the same.
      if (error instanceof LauncherUnreachable) return undefined;
      throw error;
    }
  }
}
