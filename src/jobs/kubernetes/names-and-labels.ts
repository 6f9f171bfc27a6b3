import type { JobSpec } from '../../artifacts/job-spec.ts';

/** What marks an object of a cluster as ours. A sweep's id is no valid label value and a stage belongs to many sweeps: those are annotations. */
const MANAGED_BY = 'app.kubernetes.io/managed-by';
const STORE_LABEL = 'lethe.dev/store';
const KEY_LABEL = 'lethe.dev/key';
const ATTEMPT_LABEL = 'lethe.dev/attempt';

/** sha256 of the Job as it was made, without this annotation: tells ours from another of the same name. */
export const SPEC_HASH = 'lethe.dev/spec-hash';
export const ATTEMPT_FOLDER = 'lethe.dev/attempt-folder';
/** Digest of what the scheduler goes by: pods of one shape fit or wait alike. */
export const SHAPE = 'lethe.dev/shape';

/** Written by the Job controller on each pod of a Job. */
export const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name';
export const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

/** A key has 64 digits, a label value 63 characters: half of it names a stage well enough. */
const KEY_DIGITS = 32;

export function labelsOf({ storeId, key, attempt }: Pick<JobSpec, 'storeId' | 'key' | 'attempt'>): {
  [label: string]: string;
} {
  return {
    [MANAGED_BY]: 'lethe',
    [STORE_LABEL]: storeId,
    [KEY_LABEL]: key.slice(0, KEY_DIGITS),
    [ATTEMPT_LABEL]: String(attempt),
  };
}

/** Every object of one store, and of no other: two stores may share a namespace. */
export function selectorOfStore(storeId: string): string {
  return `${MANAGED_BY}=lethe,${STORE_LABEL}=${storeId}`;
}

export function selectorOfPods(jobName: string): string {
  return `${JOB_NAME_LABEL}=${jobName}`;
}
