import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { ClusterConnection } from './cluster-connection.ts';
import type { ClusterSettings } from './cluster-settings.ts';

/** Thrown when there is no way to a cluster on this machine. */
export class NoCluster extends Error {
  override readonly name = 'NoCluster';
}

/**
 * Finds the cluster as kubectl would: `kubeconfig` and `context` of the settings, then $KUBECONFIG and ~/.kube/config, then the service account of the pod that
 * this runs in. Every way to log in that a kubeconfig knows is the library's work; the requests are ours (docs/decisions/kubernetes-requests.md).
 */
export async function connectToCluster(settings: ClusterChoice): Promise<ClusterConnection> {
  const config = await loadKubeConfig(settings);
  const context = config.getContextObject(config.getCurrentContext());
  return {
    server: config.getCurrentCluster()!.server,
    namespace: settings.namespace ?? context?.namespace ?? 'default',
    requestOptions: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
  };
}

export type ClusterChoice = Pick<ClusterSettings, 'kubeconfig' | 'context' | 'namespace'>;

/** The library's view of the same cluster, for what is done through its own web sockets. */
export async function loadKubeConfig(settings: ClusterChoice): Promise<KubeConfig> {
  // It loads every type of the API: only who works with a cluster waits for that.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (settings.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(settings.kubeconfig);
  if (settings.context !== undefined) {
    if (config.getContextObject(settings.context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new NoCluster(
        `context ${settings.context}: expected one of the kubeconfig, which has ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(settings.context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || cluster.server === 'http://localhost:8080')
    throw new NoCluster(
      'expected a kubeconfig with a context, or to run in a pod with a service account; found neither',
    );
  return config;
}
