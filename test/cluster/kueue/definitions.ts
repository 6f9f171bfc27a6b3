import type { Cluster } from '../cluster.ts';

export const KUEUE_GROUP = 'kueue.x-k8s.io';
export const KUEUE_VERSION = 'v1beta2';

const text = { type: 'string' };
const number = { type: 'integer' };
const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const quantity = { 'x-kubernetes-int-or-string': true };
const conditions = {
  type: 'array',
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: Object.fromEntries(
      ['type', 'status', 'reason', 'message']
        .map((name) => [name, text] as const)
        .concat([['lastTransitionTime', { type: 'string', format: 'date-time' } as typeof text]]),
    ),
  },
};
const object = (properties: object, ...required: string[]) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});
const list = (items: object) => ({ type: 'array', items });

/** The fields of Kueue's types that Lethe's queues and this controller use; a field that is in none of them is refused when it is applied. */
const KINDS = [
  {
    kind: 'Workload',
    plural: 'workloads',
    scope: 'Namespaced',
    spec: object({ active: { type: 'boolean' }, queueName: text, priority: number, podSets: list(free) }),
    status: object({
      conditions,
      admission: object({ clusterQueue: text, podSetAssignments: list(free) }, 'clusterQueue', 'podSetAssignments'),
      requeueState: object({ count: number }),
    }),
  },
  {
    kind: 'LocalQueue',
    plural: 'localqueues',
    scope: 'Namespaced',
    spec: object({ clusterQueue: text }, 'clusterQueue'),
    status: object({ conditions }),
  },
  {
    kind: 'ClusterQueue',
    plural: 'clusterqueues',
    scope: 'Cluster',
    spec: object({
      namespaceSelector: free,
      queueingStrategy: { ...text, enum: ['StrictFIFO', 'BestEffortFIFO'] },
      preemption: object({
        withinClusterQueue: { ...text, enum: ['Never', 'LowerPriority', 'LowerOrNewerEqualPriority'] },
      }),
      resourceGroups: list(
        object(
          {
            coveredResources: list(text),
            flavors: list(
              object(
                { name: text, resources: list(object({ name: text, nominalQuota: quantity }, 'name', 'nominalQuota')) },
                'name',
                'resources',
              ),
            ),
          },
          'coveredResources',
          'flavors',
        ),
      ),
    }),
    status: object({ conditions }),
  },
  {
    kind: 'ResourceFlavor',
    plural: 'resourceflavors',
    scope: 'Cluster',
    spec: object({ nodeLabels: free }),
    status: undefined,
  },
] as const;

/** Makes the kinds of Kueue known to a cluster, in its group and version. Idempotent. */
export async function defineKueue(cluster: Cluster): Promise<void> {
  const items = KINDS.map(({ kind, plural, scope, spec, status }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${KUEUE_GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests: the fields that Lethe uses' },
    },
    spec: {
      group: KUEUE_GROUP,
      scope,
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: KUEUE_VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: object({ spec, ...(status && { status }) }) },
          ...(status && { subresources: { status: {} } }),
        },
      ],
    },
  }));
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const names = KINDS.map(({ plural }) => `crd/${plural}.${KUEUE_GROUP}`);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
}
