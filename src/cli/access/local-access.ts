import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { collectGarbage, diskUse, freeBytesAt } from '../../artifacts/disk-use.ts';
import { namedModels, namedSources } from '../../artifacts/input-catalog-of-store.ts';
import { NoStore, Store } from '../../artifacts/store.ts';
import { SweepFolder } from '../../artifacts/sweep-folder.ts';
import { clusterOfStore, placeJobs, requirePlace } from '../cluster-of-store.ts';
import { finishedKeys } from '../finished-keys.ts';
import { shownPath } from '../project-folder.ts';
import { EMBEDDED, openStore } from '../session.ts';
import { textLengths } from '../text-lengths.ts';
import type { StoreAccess } from './store-access.ts';

/** A store in a folder of this machine, which need not exist yet. */
export function localAccess(folder: string): StoreAccess {
  const openIfThere = async () => {
    try {
      return await Store.open(folder);
    } catch (error) {
      if (error instanceof NoStore) return undefined;
      throw error;
    }
  };
  const open = () => openStore(folder);
  const nothing = async () => {};
  return {
    shown: shownPath(folder),
    remote: false,
    open,
    openIfThere,
    openOrCreate: async () => (await openIfThere()) ?? (await Store.create(folder, EMBEDDED)),
    inputs: async () => {
      const [models, sources] = await Promise.all([namedModels(folder), namedSources(folder)]);
      return { models, sources };
    },
    finishedKeys: (plan) => finishedKeys(folder, plan),
    textLengths: (plan) => textLengths(plan, folder),
    cluster: async (asked) => requirePlace(asked, await openIfThere()),
    placeJobs: async (asked) => placeJobs(await open(), asked),
    freeze: async ({ plan, planHash, text, sweep }) => {
      const frozen = await SweepFolder.freeze(await open(), plan, planHash, text);
      await frozen.saveExecution(sweep.execution);
    },
    bringResults: nothing,
    bringStages: nothing,
    bringReport: nothing,
    api: async () => {
      const settings = await clusterOfStore((await open()).path);
      if (settings === undefined) return undefined;
      const [{ ApiClient }, { connectToCluster }] = await Promise.all([
        import('../../jobs/kubernetes/api-client.ts'),
        import('../../jobs/kubernetes/connect-to-cluster.ts'),
      ]);
      return new ApiClient(await connectToCluster(settings));
    },
    freeBytes: async () => freeBytesAt(await nearestFolder(folder)),
    diskUse: async () => diskUse(await open()),
    collectGarbage: async (dryRun) => collectGarbage(await open(), dryRun),
  };
}

/** The store itself, or the folder in which it would be made. */
async function nearestFolder(path: string): Promise<string> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  return there || dirname(path) === path ? path : nearestFolder(dirname(path));
}
