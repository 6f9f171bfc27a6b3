import type { JobSpec } from '../../artifacts/job-spec.ts';
import { digestOf } from '../../experiment/canonical-json.ts';
import type { CheckpointCost } from '../job-launcher.ts';
import type { ClusterSettings, ScaleSettings } from './cluster-settings.ts';
import { graceFor } from './grace.ts';
import { ATTEMPT_FOLDER, labelsOf, QUEUE_LABEL, SHAPE, SPEC_HASH } from './names-and-labels.ts';

export interface ManifestRequest {
  readonly spec: JobSpec;
  readonly namespace: string;
  readonly settings: ClusterSettings;
  readonly scale: ScaleSettings;
  readonly checkpoint?: CheckpointCost;
  /** The store's folder as worker and job see it: the volume is mounted there. */
  readonly storePath: string;
  readonly avoidNode?: string;
}

export type Manifest = Readonly<Record<string, unknown>>;

/**
 * The Job of one attempt. One pod, and no retry of the cluster's own but one: a pod that the platform took away (`DisruptionTarget`) is replaced within the
 * attempt, once it is really gone, and its successor finds the checkpoint itself. Every other end fails the Job, and the ledger decides.
 */
export function jobManifest(request: ManifestRequest): Manifest {
  const { spec, namespace, scale } = request;
  const labels = labelsOf(spec);
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: spec.name,
      namespace,
      labels: { ...labels, ...(scale.queue !== undefined && { [QUEUE_LABEL]: scale.queue }) },
      annotations: annotationsOf(spec),
    },
    spec: {
      ...(scale.queue !== undefined && { suspend: true }),
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      template: {
        metadata: { labels, annotations: { ...spec.annotations, [SHAPE]: shapeOf(request) } },
        spec: podSpec(request),
      },
    },
  };
  return withHash(job);
}

/** The hash under which a Job is known as ours; undefined for one that we did not make. */
export function hashOf(manifest: Manifest): string | undefined {
  const { annotations } = (manifest.metadata ?? {}) as { annotations?: Readonly<Record<string, string>> };
  return annotations?.[SPEC_HASH];
}

function withHash(job: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } }): Manifest {
  const annotations = { ...job.metadata.annotations, [SPEC_HASH]: digestOf(job) };
  return { ...job, metadata: { ...job.metadata, annotations } };
}

function annotationsOf({ annotations, attemptFolder }: JobSpec): Readonly<Record<string, string>> {
  const ours = Object.entries(annotations).map(([name, value]) => [`lethe.dev/${name}`, value]);
  return { ...Object.fromEntries(ours), [ATTEMPT_FOLDER]: attemptFolder };
}

function podSpec({ spec, settings, scale, checkpoint, storePath, avoidNode }: ManifestRequest): Manifest {
  const [program, ...args] = spec.command;
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: scale.graceSeconds ?? graceFor(checkpoint),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(settings.serviceAccount !== undefined && { serviceAccountName: settings.serviceAccount }),
    ...(settings.imagePullSecrets.length > 0 && {
      imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
    }),
    ...(scale.priorityClass !== undefined && { priorityClassName: scale.priorityClass }),
    ...(scale.runtimeClass !== undefined && { runtimeClassName: scale.runtimeClass }),
    ...placeOf(spec, scale),
    ...(avoidNode !== undefined && { affinity: awayFrom(avoidNode) }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: settings.user,
      runAsGroup: settings.group,
      fsGroup: settings.group,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'trainer',
        image: settings.image,
        imagePullPolicy: settings.imagePullPolicy,
        command: [program],
        args,
        env: environmentOf(spec),
        resources: resourcesOf(spec, scale),
        volumeMounts: [{ name: 'store', mountPath: storePath, ...subPathOf(settings) }],
        terminationMessagePath: TERMINATION_MESSAGE,
        // A trainer that could not say why still leaves the end of its log.
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
    volumes: [{ name: 'store', persistentVolumeClaim: { claimName: settings.store.claim } }],
  };
}

const TERMINATION_MESSAGE = '/dev/termination-log';

/** The pod's UID names the writer's folder: a replaced pod is a new writer. */
function environmentOf(spec: JobSpec): readonly Manifest[] {
  return [
    { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    { name: 'LETHE_TERMINATION_MESSAGE', value: TERMINATION_MESSAGE },
    ...Object.entries(spec.environment).map(([name, value]) => ({ name, value })),
  ];
}

/** Memory is bounded, so that the kernel's word is about this job; cores are not, because a throttled trainer only takes longer. */
function resourcesOf({ resources }: JobSpec, { gpuResource }: ScaleSettings): Manifest {
  const memory = `${Math.max(1, Math.ceil(resources.memoryBytes / 2 ** 20))}Mi`;
  const devices = resources.gpus > 0 ? { [gpuResource]: String(resources.gpus) } : {};
  return {
    requests: { cpu: `${Math.max(1, Math.round(resources.cores * 1000))}m`, memory, ...devices },
    limits: { memory, ...devices },
  };
}

/** GPU nodes commonly repel what asks for no GPU. */
function placeOf({ resources }: JobSpec, { nodeSelector, tolerations, gpuResource }: ScaleSettings): Manifest {
  const forDevices = resources.gpus > 0 ? [{ key: gpuResource, operator: 'Exists', effect: 'NoSchedule' }] : [];
  const all = [...tolerations, ...forDevices];
  return {
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(all.length > 0 && { tolerations: all }),
  };
}

/** A wish, not a condition: there may be no other node. */
function awayFrom(node: string): Manifest {
  const elsewhere = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: [node] }] };
  return {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: elsewhere }] },
  };
}

function subPathOf({ store }: ClusterSettings): { readonly subPath?: string } {
  return store.subPath === undefined ? {} : { subPath: store.subPath };
}

function shapeOf({ spec, scale }: ManifestRequest): string {
  const runtime = scale.runtimeClass ?? '';
  return digestOf([resourcesOf(spec, scale), placeOf(spec, scale), runtime]).slice(0, 12);
}
