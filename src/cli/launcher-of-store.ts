import type { Store } from '../artifacts/store.ts';
import type { JobLauncher } from '../jobs/job-launcher.ts';
import { openKubernetesLauncher } from '../jobs/kubernetes/open-launcher.ts';
import { LocalLauncher } from '../jobs/local/local-launcher.ts';
import { clusterOfStore } from './cluster-of-store.ts';
import { launchBinary } from './project-folder.ts';

/** A launcher that finds the jobs of a store where they run, for commands that act without its worker. */
export async function launcherOfStore(store: Store): Promise<JobLauncher & { close(): void }> {
  const settings = await clusterOfStore(store.path);
  if (settings === undefined) return new LocalLauncher({ launchBinary: [launchBinary] });
  return openKubernetesLauncher(settings, store);
}
