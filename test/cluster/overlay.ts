import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { projectFolder } from '../../src/cli/project-folder.ts';
import type { Cluster } from './cluster.ts';

export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
  spec: Record<string, unknown>;
}

/** What `kubectl apply -k k8s/overlays/NAME` makes. `change`: applied to the text before it is read. */
export async function objectsOfOverlay(
  cluster: Cluster,
  name: string,
  change: (manifests: string) => string = (manifests) => manifests,
): Promise<KubernetesObject[]> {
  const manifests = await cluster.kubectl(['kustomize', join(projectFolder, 'k8s', 'overlays', name)]);
  return parseAllDocuments(change(manifests)).map((each) => each.toJS() as KubernetesObject);
}

/** Without the running worker, and with a claim that a folder of this machine serves. */
export function withoutWorker(objects: readonly KubernetesObject[]): void {
  for (const each of objects) {
    if (each.kind === 'Deployment') each.spec.replicas = 0;
    if (each.kind === 'PersistentVolumeClaim')
      Object.assign(each.spec, { storageClassName: '', resources: { requests: { storage: '1Gi' } } });
  }
}

/** `cluster.yaml` of the overlay's ConfigMap. */
export function settingsIn(objects: readonly KubernetesObject[]): string {
  return objects.find(({ data }) => data?.['cluster.yaml'] !== undefined)?.data?.['cluster.yaml'] ?? '';
}

export async function apply(cluster: Cluster, items: readonly object[]): Promise<void> {
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}
