import { SERVICE_PORT } from '../../http/store-service.ts';
import type { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import { pathOf } from '../../jobs/kubernetes/api-paths.ts';
import { byAge, type Pod } from '../../jobs/kubernetes/cluster-objects.ts';
import { BadInput } from '../exit-codes.ts';

/** What is read of a pod beyond its state. */
export interface FullPod extends Pod {
  readonly spec: Pod['spec'] & {
    readonly containers: readonly PodContainer[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
    }[];
    readonly securityContext?: object;
    readonly imagePullSecrets?: readonly object[];
    readonly tolerations?: readonly object[];
    readonly nodeSelector?: Readonly<Record<string, string>>;
  };
}

export interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

export interface WorkerPod {
  readonly pod: FullPod;
  readonly container: PodContainer;
  /** Where the service of the store listens. */
  readonly port: number;
  /** Where the store's volume is mounted. */
  readonly mount: { readonly mountPath: string; readonly subPath?: string };
}

export const WORKER_SELECTOR = 'app.kubernetes.io/name=lethe-worker';

/** The worker beside the volume of a claim, ready to be spoken to. Throws `BadInput` with what there is instead. */
export async function findWorkerPod(api: ApiClient, claim: string): Promise<WorkerPod> {
  const query = { labelSelector: WORKER_SELECTOR };
  const { items } = await api.get<{ readonly items: readonly FullPod[] }>(pathOf(api, 'pods'), query);
  const beside = byAge(items)
    .map((pod) => workerIn(pod as FullPod, claim))
    .filter((found) => found !== undefined);
  const ready = beside.findLast(({ pod }) => isReady(pod));
  if (ready !== undefined) return ready;
  const where = `in namespace ${api.namespace}`;
  if (beside.length === 0)
    throw new BadInput(
      `--store pvc:${claim}: expected a pod with the label ${WORKER_SELECTOR} that mounts this claim ${where}, found ${items.length === 0 ? 'no such pod' : `${items.length} that mount others`}. ` +
        `Another namespace: -n NAMESPACE. To install a worker: docs/operations.md`,
    );
  const { pod } = beside.at(-1)!;
  throw new BadInput(
    `--store pvc:${claim}: expected its worker to be ready, pod ${pod.metadata.name} ${where} is ${stateOf(pod)}. "kubectl -n ${api.namespace} describe pod ${pod.metadata.name}" says more`,
  );
}

function workerIn(pod: FullPod, claim: string): WorkerPod | undefined {
  const volume = pod.spec.volumes?.find(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim);
  for (const container of pod.spec.containers) {
    const mount = container.volumeMounts?.find(({ name }) => name === volume?.name);
    if (volume === undefined || mount === undefined) continue;
    const { args = [] } = container;
    const asked = args[args.indexOf('--serve') + 1];
    return { pod, container, mount, port: args.includes('--serve') ? Number(asked) : SERVICE_PORT };
  }
  return undefined;
}

function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined || status?.phase !== 'Running') return false;
  return status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false;
}

function stateOf({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) return 'being deleted';
  const waiting = status?.containerStatuses
    ?.map(({ state }) => state?.waiting?.reason)
    .find((each) => each !== undefined);
  return waiting ?? (status?.phase === 'Running' ? 'running but not ready' : (status?.phase ?? 'new'));
}
