import type { ApiClient } from './api-client.ts';
import { pathOf } from './api-paths.ts';
import type { Pod } from './cluster-objects.ts';
import { selectorOfPods } from './names-and-labels.ts';

/** The pods that a Job has, in the server's order. */
export async function podsOfJob(api: ApiClient, job: string): Promise<readonly Pod[]> {
  const query = { labelSelector: selectorOfPods(job) };
  return (await api.get<{ readonly items: readonly Pod[] }>(pathOf(api, 'pods'), query)).items;
}
