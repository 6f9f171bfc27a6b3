import { KUEUE_GROUP, KUEUE_VERSION } from './definitions.ts';

const apiVersion = `${KUEUE_GROUP}/${KUEUE_VERSION}`;

export const DEFAULT_FLAVOR = { apiVersion, kind: 'ResourceFlavor', metadata: { name: 'default' }, spec: {} };

/** A LocalQueue `slots` of a namespace that lets so many pods run at once. */
export function podQueue(namespace: string, slots: number): object {
  const resources = [{ name: 'pods', nominalQuota: slots }];
  const items = [
    DEFAULT_FLAVOR,
    {
      apiVersion,
      kind: 'ClusterQueue',
      metadata: { name: namespace },
      spec: {
        namespaceSelector: {},
        resourceGroups: [{ coveredResources: ['pods'], flavors: [{ name: 'default', resources }] }],
      },
    },
    {
      apiVersion,
      kind: 'LocalQueue',
      metadata: { namespace, name: 'slots' },
      spec: { clusterQueue: namespace },
    },
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}
