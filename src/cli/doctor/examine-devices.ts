import type { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import type { ClusterObject } from '../../jobs/kubernetes/cluster-objects.ts';
import type { ClusterSettings, ScaleSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import type { Finding } from './examinations.ts';

interface Node extends ClusterObject {
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
}

/** Whether some node has the devices that a scale asks for; nothing where no scale asks for any. Nodes may be listed by whom the cluster allows it. */
export async function examineDevices(
  api: ApiClient,
  { defaults, scales }: Pick<ClusterSettings, 'defaults' | 'scales'>,
): Promise<readonly Finding[]> {
  const wishes = [defaults, ...scales.map((scale) => ({ ...defaults, ...scale }))].filter(({ gpus = 0 }) => gpus > 0);
  if (wishes.length === 0) return [];
  const { items } = await api.get<{ items: readonly Node[] }>('/api/v1/nodes');
  const most = new Map<string, ScaleSettings>();
  for (const wish of wishes)
    if ((wish.gpus ?? 0) > (most.get(wish.gpuResource)?.gpus ?? 0)) most.set(wish.gpuResource, wish);
  return [...most].map(([resource, { gpus = 0 }]) => {
    const largest = Math.max(0, ...items.map(({ status }) => Number(status?.allocatable?.[resource] ?? 0)));
    const found = `${resource}: a job asks for up to ${gpus}, the largest of ${items.length} nodes has ${largest}`;
    if (largest >= gpus) return { what: 'devices', level: 'good', found };
    const fix = "install the vendor's device plugin on the nodes, or correct `gpus` and `gpuResource` of the settings";
    return { what: 'devices', level: 'bad', found, fix };
  });
}
