import type { ClusterObject, Condition, Job } from '../../../src/jobs/kubernetes/cluster-objects.ts';

/** What the controller reads and writes of Kueue's objects and of Jobs, named as Kueue names it. */
export interface QueuedJob extends Job {
  readonly spec: Job['spec'] & {
    readonly template: {
      readonly spec: {
        readonly priorityClassName?: string;
        readonly containers: readonly { readonly resources?: { readonly requests?: Quantities } }[];
      };
    };
  };
  readonly status?: Job['status'] & { readonly startTime?: string | null };
}

export type Quantities = Readonly<Record<string, string | number>>;

export interface Workload extends ClusterObject {
  readonly spec: { readonly queueName: string; readonly priority: number; readonly podSets: readonly object[] };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly admission?: { readonly clusterQueue: string } | null;
    readonly requeueState?: { readonly count: number };
  };
}

export interface LocalQueue extends ClusterObject {
  readonly spec: { readonly clusterQueue: string };
}

export interface ClusterQueue extends ClusterObject {
  readonly spec: {
    readonly preemption?: { readonly withinClusterQueue?: string };
    readonly resourceGroups?: readonly {
      readonly coveredResources: readonly string[];
      readonly flavors: readonly {
        readonly name: string;
        readonly resources: readonly { readonly name: string; readonly nominalQuota: string | number }[];
      }[];
    }[];
  };
}

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `500m`, `64Mi`, `2` as a number of units. */
export function amountOf(quantity: string | number): number {
  const [, digits, unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const factor = UNITS[unit];
  if (digits === undefined || factor === undefined) throw new TypeError(`expected a quantity, got "${quantity}"`);
  return Number(digits) * factor;
}

/** What one pod of a Job takes of a quota; `pods` counts itself, as Kueue counts it. */
export function requestsOf({ spec }: QueuedJob): Readonly<Record<string, number>> {
  const requests: Record<string, number> = { pods: 1 };
  for (const { resources } of spec.template.spec.containers)
    for (const [name, quantity] of Object.entries(resources?.requests ?? {}))
      requests[name] = (requests[name] ?? 0) + amountOf(quantity);
  return requests;
}

export function isTrue(workload: Workload, type: string): boolean {
  return workload.status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}
