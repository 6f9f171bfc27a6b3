import type { Cluster } from './cluster.ts';

/** Name of the claim in every namespace made here. */
export const CLAIM = 'store';

/**
 * A namespace with the restricted profile, in which the claim `store` is a folder of this machine: a volume of type hostPath that every node sees alike, because
 * the nodes of a test cluster share the host's disk.
 */
export async function makeTrainingNamespace(cluster: Cluster, namespace: string, folder: string): Promise<void> {
  const volume = `${namespace}-store`;
  const spec = { storageClassName: '', accessModes: ['ReadWriteMany'] };
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume },
      spec: {
        ...spec,
        capacity: { storage: '1Gi' },
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace, name: CLAIM },
        hostPath: { path: folder, type: 'Directory' },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: CLAIM },
      spec: { ...spec, volumeName: volume, resources: { requests: { storage: '1Gi' } } },
    },
  ];
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const bound = ['--for=jsonpath={.status.phase}=Bound', '--timeout=60s', `persistentvolumeclaim/${CLAIM}`];
  await cluster.kubectl(['wait', '--namespace', namespace, ...bound]);
}

/** Does not wait until all is gone. */
export async function removeTrainingNamespace(cluster: Cluster, namespace: string): Promise<void> {
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  await cluster.kubectl(['delete', 'persistentvolume', `${namespace}-store`, '--wait=false']);
}
