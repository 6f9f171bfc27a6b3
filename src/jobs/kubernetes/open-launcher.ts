import type { Store } from '../../artifacts/store.ts';
import { ApiClient, type ApiListener } from './api-client.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { connectToCluster } from './connect-to-cluster.ts';
import { KubernetesJobLauncher } from './kubernetes-launcher.ts';

/** The launcher of a store's jobs in the cluster of its settings. Rejects with `NoCluster` when there is no way to one; does not ask it anything yet. */
export async function openKubernetesLauncher(
  settings: ClusterSettings,
  store: Store,
  listener: ApiListener = {},
): Promise<KubernetesJobLauncher> {
  const api = new ApiClient(await connectToCluster(settings), {}, listener);
  return new KubernetesJobLauncher({ api, settings, storeId: store.id, storePath: store.path });
}
