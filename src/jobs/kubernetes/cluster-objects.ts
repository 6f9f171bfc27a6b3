/** What is read of the cluster's objects: the fields that decide something, as the API gives them. */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  /** When it is to be gone at the latest: the time of the deletion plus the grace. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ClusterObject {
  readonly metadata: ObjectMeta;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Job extends ClusterObject {
  readonly spec: { readonly suspend?: boolean; readonly ttlSecondsAfterFinished?: number };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly active?: number };
}

export interface ContainerTermination {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
}

export interface ContainerStatus {
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: ContainerTermination;
  };
  readonly lastState?: { readonly terminated?: ContainerTermination };
  readonly imageID?: string;
}

export interface Pod extends ClusterObject {
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ClusterEvent extends ClusterObject {
  readonly involvedObject?: { readonly name?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
}

/** The first of these conditions that holds. */
export function conditionOf(
  conditions: readonly Condition[] | undefined,
  ...types: readonly string[]
): Condition | undefined {
  return conditions?.find(({ type, status }) => status === 'True' && types.includes(type));
}

/** `Complete` and `Failed` alone: `FailureTarget` and `SuccessCriteriaMet` come while pods still terminate. */
export function isFinished(job: Job): boolean {
  return conditionOf(job.status?.conditions, 'Complete', 'Failed') !== undefined;
}

/** True when no container of it runs or will run. */
export function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** True when the one completion that a Job of ours asks for is there; its controller says so a second or two later. */
export function isComplete(pods: readonly Pod[]): boolean {
  return pods.some(({ status }) => status?.phase === 'Succeeded');
}

/** Oldest first. */
export function byAge(pods: readonly Pod[]): Pod[] {
  const since = (pod: Pod) => pod.metadata.creationTimestamp ?? '';
  return [...pods].sort((a, b) => (since(a) < since(b) ? -1 : since(a) > since(b) ? 1 : 0));
}
