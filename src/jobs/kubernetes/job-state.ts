import type { JobObservation } from '../job-launcher.ts';
import { byAge, conditionOf, isComplete, isFinished, isOver, type Job, type Pod } from './cluster-objects.ts';

export interface StateFacts {
  readonly now: number;
  /** A pod that its node has said nothing of for so long, beyond its grace, is given up. */
  readonly nodeLostMs: number;
  readonly graceMs: number;
  /** True when a pod that asks for the same ran or runs: then "unschedulable" means full now, not never. */
  readonly fits: boolean;
}

/** Reasons for which a container waits that only a person can end: its image, or a name in its pod that does not exist. */
const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ImageInspectError',
  'ErrImageNeverPull',
  'InvalidImageName',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/**
 * What a Job that is there does now, from itself and its pods. Its own conditions end it, because the cluster replaces a pod that it took away; the exceptions are
 * a pod that succeeded, after which nothing can come, and a lost node, whose pod would otherwise stand for ever.
 */
export function jobState(job: Job, pods: readonly Pod[], facts: StateFacts): JobObservation {
  if (isFinished(job) || isComplete(pods)) return { state: 'ended' };
  const alive = byAge(pods).filter((pod) => !isOver(pod));
  const pod = alive.at(-1);
  const lost = alive.map((each) => lostReason(each, facts));
  const reason = lost.at(-1);
  if (reason !== undefined && !lost.includes(undefined)) return { state: 'lost', reason };
  if (job.spec.suspend === true) {
    return {
      state: 'queued',
      reason: pod === undefined ? 'its Job is suspended' : 'its Job is suspended; its pod stops',
    };
  }
  if (pod === undefined) {
    const replaced = pods.length > 0 ? `${pods.length} of its pods ended; the next is not there yet` : 'no pod yet';
    return { state: 'starting', reason: replaced };
  }
  return podState(pod, facts);
}

/** What a pod that is not over does. */
export function podState(pod: Pod, { fits }: Pick<StateFacts, 'fits'>): JobObservation {
  const { status, spec, metadata } = pod;
  const where = spec.nodeName === undefined ? '' : ` on ${spec.nodeName}`;
  const container = status?.containerStatuses?.[0]?.state;
  if (container?.running !== undefined || (status?.phase === 'Running' && container?.waiting === undefined)) {
    const leaving = metadata.deletionTimestamp === undefined ? {} : { leaving: 'its pod is being taken away' };
    const startedAt = container?.running?.startedAt ?? metadata.creationTimestamp ?? '';
    return { state: 'running', startedAt, where: `pod ${metadata.name}${where}`, ...leaving };
  }
  const waiting = container?.waiting;
  if (waiting?.reason !== undefined && IMAGE_REASONS.has(waiting.reason))
    return { state: 'starting', kind: 'image', reason: sentence(waiting.reason, waiting.message) };
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (spec.nodeName === undefined && scheduled?.status === 'False') {
    const reason = sentence(scheduled.reason ?? 'not scheduled', scheduled.message);
    // A pod of the same shape runs or ran: there is such a place, it is taken.
    return scheduled.reason === 'Unschedulable' && !fits
      ? { state: 'starting', kind: 'unschedulable', reason }
      : { state: 'starting', reason };
  }
  return {
    state: 'starting',
    reason: sentence(waiting?.reason ?? status?.phase ?? 'not started', waiting?.message) + where,
  };
}

/** Why a pod is given up; undefined while it may still answer. Its own clock runs from the cluster's timestamps. */
export function lostReason(
  pod: Pod,
  { now, nodeLostMs, graceMs }: Pick<StateFacts, 'now' | 'nodeLostMs' | 'graceMs'>,
): string | undefined {
  const { deletionTimestamp, name } = pod.metadata;
  const node = pod.spec.nodeName;
  if (node === undefined) return undefined;
  if (deletionTimestamp !== undefined) {
    // It holds the grace already.
    const over = now - Date.parse(deletionTimestamp);
    return over > nodeLostMs
      ? `pod ${name} was to be gone ${seconds(over)} ago; node ${node} does not say so`
      : undefined;
  }
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (pod.status?.phase !== 'Running' || ready === undefined || ready.status === 'True') return undefined;
  // The container runs as far as anyone knows: it is the node that is silent.
  if (pod.status.containerStatuses?.[0]?.state?.running === undefined) return undefined;
  const silent = now - Date.parse(ready.lastTransitionTime ?? '');
  return silent > nodeLostMs + graceMs ? `node ${node} has not answered for ${seconds(silent)}` : undefined;
}

/** Why a Job's finish is what it is, in the cluster's words. */
export function finishOf(job: Job | undefined): string | undefined {
  const finish = conditionOf(job?.status?.conditions, 'Complete', 'Failed');
  return finish && sentence(`Job ${finish.type}: ${finish.reason ?? ''}`, finish.message);
}

export function sentence(reason: string, message: string | undefined): string {
  return message === undefined || message === '' ? reason : `${reason}: ${message}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
