/** The volume that the claim of k8s/ gets on the test cluster: a folder of this machine. */
export function storeVolume(namespace: string, path: string) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'lethe-store' },
    spec: {
      storageClassName: '',
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '1Gi' },
      claimRef: { namespace, name: 'lethe-store' },
      hostPath: { path, type: 'Directory' },
    },
  };
}
