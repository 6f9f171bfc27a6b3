import { delimiter } from 'node:path';
import type { StoreOptions } from '../command.ts';
import { BadInput } from '../exit-codes.ts';
import { storeFolder } from '../project-folder.ts';
import { claimIn, newestClaim } from './remembered-store.ts';
import type { StoreAccess } from './store-access.ts';

/** The store that a command is asked about: a folder, or `pvc:NAME` in a cluster; with `--on kubernetes` alone, the one in a cluster that was used last. */
export async function reachStore(options: StoreOptions, say: (text: string) => void): Promise<StoreAccess> {
  const claim = await claimOf(options);
  if (claim === undefined) {
    requireNoWay(options);
    const { localAccess } = await import('./local-access.ts');
    return localAccess(storeFolder(options.store));
  }
  const { remoteAccess } = await import('./remote-access.ts');
  return remoteAccess(await reachCluster(claim, options), say);
}

/** The way to the store's cluster; for what the interface does not do. */
export async function reachCluster(claim: string, options: StoreOptions) {
  const { wayToStore } = await import('./remote-access.ts');
  const { temporal = process.env.LETHE_TEMPORAL_ADDRESS || undefined } = options;
  return wayToStore({
    claim,
    ...onlyGiven({ kubeconfig: oneFile(process.env.KUBECONFIG) }),
    ...(await fromSettings(options.cluster)),
    ...onlyGiven(options),
    ...(temporal !== undefined && { temporal }),
  });
}

/** The claim that is asked for; undefined: a folder of this machine. */
export async function claimOf(options: StoreOptions): Promise<string | undefined> {
  const asked = options.store ?? process.env.LETHE_STORE ?? '';
  const claim = claimIn(asked);
  if (claim !== undefined && options.on === 'local')
    throw new BadInput(`--on local: expected a folder after --store, got "${asked}": its jobs run in its cluster`);
  if (claim !== undefined || options.on !== 'kubernetes' || asked !== '' || options.cluster !== undefined) return claim;
  const newest = await newestClaim();
  if (newest === undefined)
    throw new BadInput(
      '--on kubernetes: expected --store pvc:NAME, the claim of the store (later commands remember it), or --cluster FILE with a store in a folder (docs/operations.md)',
    );
  return newest;
}

/** Of several files the library makes one, each time anew. */
function oneFile(kubeconfig: string | undefined): string | undefined {
  return kubeconfig === undefined || kubeconfig === '' || kubeconfig.includes(delimiter) ? undefined : kubeconfig;
}

async function fromSettings(file: string | undefined) {
  if (file === undefined) return {};
  const { BadClusterSettings, readClusterSettings } = await import('../../jobs/kubernetes/cluster-settings.ts');
  try {
    const { kubeconfig, context, namespace } = await readClusterSettings(file);
    return onlyGiven({ namespace, context, kubeconfig });
  } catch (error) {
    throw error instanceof BadClusterSettings ? new BadInput(error.message) : error;
  }
}

type Way = { namespace?: string | undefined; context?: string | undefined; kubeconfig?: string | undefined };

function onlyGiven({ namespace, context, kubeconfig }: Way) {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(context !== undefined && { context }),
    ...(kubeconfig !== undefined && { kubeconfig }),
  };
}

export function requireNoWay({ namespace, context, temporal }: StoreOptions): void {
  for (const [flag, value] of Object.entries({
    '--namespace': namespace,
    '--context': context,
    '--temporal': temporal,
  }))
    if (value !== undefined)
      throw new BadInput(
        `${flag}: expected together with --store pvc:NAME, a store in a cluster; got it with a folder`,
      );
}
