import { constants } from 'node:os';
import type { PlatformEvidence } from '../job-launcher.ts';
import {
  byAge,
  type ClusterEvent,
  type ContainerTermination,
  conditionOf,
  type Job,
  type Pod,
} from './cluster-objects.ts';
import { finishOf, sentence } from './job-state.ts';

export interface PlatformFacts {
  /** Undefined when the cluster does not know it any more. */
  readonly job: Job | undefined;
  /** All that are known of, those that are gone with their last state. */
  readonly pods: readonly Pod[];
  readonly events: readonly ClusterEvent[];
  /** stop.json exists: a job that is gone was taken away by us. */
  readonly stopped: boolean;
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** A shell's and container runtime's word for "ended by signal n". */
const SIGNAL_BASE = 128;
/** Of a pod that ended with its node; no program's own code says anything there. */
const TAKEN_REASONS = new Set([
  'Evicted',
  'NodeLost',
  'NodeShutdown',
  'Shutdown',
  'Terminated',
  'Preempting',
  'NodeAffinity',
]);
const LAST_WORDS = 1_000;
const MOST_EVENTS = 40;

/**
 * What the cluster knows of a job that is over. The newest pod counts: those before it were replaced. There is no condition for a kill by the kernel, so the
 * container's own reason is read.
 */
export function podEvidence({ job, pods, events, stopped }: PlatformFacts): PlatformEvidence {
  const ordered = byAge(pods);
  const last = ordered.at(-1);
  const told = [
    ...ordered.flatMap(wordsOf),
    ...eventWords(events),
    ...[finishOf(job)].filter((word) => word !== undefined),
  ];
  if (last === undefined) {
    const what = job === undefined ? 'the cluster does not know the Job any more' : 'the Job has no pod any more';
    return { outOfMemory: false, preempted: job === undefined && !stopped, events: [...told, what] };
  }
  const ended = terminationOf(last);
  const outOfMemory = ended?.reason === 'OOMKilled';
  // A node that came back knows nothing of its containers and says 255, Unknown.
  const nodeGone = ended?.reason === 'Unknown' || ended?.reason === 'ContainerStatusUnknown';
  const signal = ended && !nodeGone ? signalOf(ended) : undefined;
  const deleted = last.metadata.deletionTimestamp !== undefined && (ended === undefined || signal !== undefined);
  const gone = job === undefined || deleted || nodeGone || isUnfinished(last, job);
  const preempted = !stopped && !outOfMemory && (gone || takenAway(last) !== undefined);
  const message = ended?.message?.trim().slice(-LAST_WORDS);
  const image = imageOf(last);
  return {
    ...(ended !== undefined && !nodeGone && signal === undefined ? { exitCode: ended.exitCode } : {}),
    ...(signal === undefined ? {} : { signal }),
    outOfMemory,
    preempted,
    events: told,
    ...(message ? { lastWords: message } : {}),
    ...(last.spec.nodeName === undefined ? {} : { node: last.spec.nodeName }),
    ...(image === undefined ? {} : { image }),
  };
}

/** Why the platform took a pod away; undefined when it did not. */
function takenAway(pod: Pod): string | undefined {
  const disruption = conditionOf(pod.status?.conditions, 'DisruptionTarget');
  if (disruption !== undefined) return sentence(disruption.reason ?? 'DisruptionTarget', disruption.message);
  const { reason, message } = pod.status ?? {};
  return reason !== undefined && TAKEN_REASONS.has(reason) ? sentence(reason, message) : undefined;
}

function terminationOf(pod: Pod): ContainerTermination | undefined {
  const container = pod.status?.containerStatuses?.[0];
  return container?.state?.terminated ?? container?.lastState?.terminated;
}

/** Its Job is gone and nobody saw it end, or its node is lost. */
function isUnfinished(pod: Pod, job: Job | undefined): boolean {
  return (
    terminationOf(pod) === undefined &&
    pod.spec.nodeName !== undefined &&
    (job === undefined || finishOf(job) === undefined)
  );
}

function signalOf({ exitCode, signal }: ContainerTermination): string | undefined {
  const number = signal || (exitCode > SIGNAL_BASE && exitCode < 255 ? exitCode - SIGNAL_BASE : 0);
  return number === 0 ? undefined : (SIGNALS.get(number) ?? `signal ${number}`);
}

/** The digest of what it ran, with or without a name before it; empty until the node has the image. */
function imageOf(pod: Pod): string | undefined {
  return pod.status?.containerStatuses?.[0]?.imageID || undefined;
}

/** One line a pod: where it ran, how it ended, and the digest of what it ran. */
function wordsOf(pod: Pod): string[] {
  const { name } = pod.metadata;
  const where = pod.spec.nodeName === undefined ? '' : ` on ${pod.spec.nodeName}`;
  const ended = terminationOf(pod);
  const end = ended ? `${ended.reason ?? 'ended'}, exit code ${ended.exitCode}` : (pod.status?.phase ?? 'no status');
  const taken = takenAway(pod);
  const image = imageOf(pod);
  const more = [taken && `taken away: ${taken}`, image && `image ${image}`].filter(Boolean).map((word) => `; ${word}`);
  return [`pod ${name}${where}: ${end}${more.join('')}`];
}

/** Warnings, oldest first; routine events (Scheduled, Pulled, Started) explain nothing. */
function eventWords(events: readonly ClusterEvent[]): string[] {
  const time = ({ lastTimestamp, eventTime, metadata }: ClusterEvent) =>
    lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
  return events
    .filter(({ type }) => type === 'Warning')
    .sort((a, b) => (time(a) < time(b) ? -1 : 1))
    .slice(-MOST_EVENTS)
    .map(
      ({ reason = 'Warning', message, count = 1 }) =>
        sentence(reason, message) + (count > 1 ? ` (${count} times)` : ''),
    );
}
