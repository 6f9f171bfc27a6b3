import type { Manifest } from '../../jobs/kubernetes/job-manifest.ts';
import type { WorkerPod } from '../access/worker-pod.ts';
import { INTAKE_PORT } from './intake-port.ts';

export const INTAKE_LABEL = 'lethe-intake';
/** A day is enough for terabytes; what hangs longer holds the volume's node for nothing. */
const MOST_SECONDS = 86_400;
const KEPT_SECONDS = 600;
/** Of the worker's own variables those that say how something outside is reached. */
const FETCHING = /^(PIP_INDEX_URL|(HTTPS?|NO|ALL)_PROXY|NODE_EXTRA_CA_CERTS)$/i;

/**
 * The Job that takes something into a store: the worker's image beside the worker's volume, as the worker's user, without a token and with no port but loopback.
 * It is no job of a stage: nothing of Lethe's watches it, and its pods may fetch from outside.
 */
export function intakeJob({ pod, container, mount }: WorkerPod, namespace: string, packageIndex?: string): Manifest {
  const { securityContext, imagePullSecrets, tolerations, nodeSelector } = pod.spec;
  const labels = { 'app.kubernetes.io/name': INTAKE_LABEL, 'app.kubernetes.io/part-of': 'lethe' };
  const { args = [] } = container;
  const store = args.includes('--store') ? args[args.indexOf('--store') + 1]! : mount.mountPath;
  const volume = pod.spec.volumes?.find(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: `${INTAKE_LABEL}-`, namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: MOST_SECONDS,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(securityContext !== undefined && { securityContext }),
          ...(imagePullSecrets !== undefined && { imagePullSecrets }),
          ...(nodeSelector !== undefined && { nodeSelector }),
          ...(tolerations !== undefined && { tolerations }),
          affinity: besideWorker(pod.metadata.labels),
          containers: [
            {
              name: 'intake',
              image: container.image,
              ...(container.imagePullPolicy !== undefined && { imagePullPolicy: container.imagePullPolicy }),
              args: ['intake', '--store', store, '--port', String(INTAKE_PORT)],
              env: [
                ...(container.env ?? []).filter(
                  ({ name }) => FETCHING.test(name) && !(packageIndex !== undefined && name === 'PIP_INDEX_URL'),
                ),
                ...(packageIndex === undefined ? [] : [{ name: 'PIP_INDEX_URL', value: packageIndex }]),
                { name: 'NODE_USE_ENV_PROXY', value: '1' },
                { name: 'HOME', value: '/tmp' },
                { name: 'XDG_CACHE_HOME', value: '/tmp/cache' },
              ],
              resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '2Gi' } },
              volumeMounts: [
                {
                  name: 'store',
                  mountPath: mount.mountPath,
                  ...(mount.subPath !== undefined && { subPath: mount.subPath }),
                },
                { name: 'scratch', mountPath: '/tmp' },
              ],
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
          volumes: [
            { name: 'store', persistentVolumeClaim: volume?.persistentVolumeClaim },
            { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
          ],
        },
      },
    },
  };
}

/** A volume that one node alone can mount is at the worker's node. */
function besideWorker(labels: Readonly<Record<string, string>> = {}): Manifest {
  const name = labels['app.kubernetes.io/name'] ?? 'lethe-worker';
  const podAffinityTerm = {
    labelSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
    topologyKey: 'kubernetes.io/hostname',
  };
  return { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } };
}
