import type { DiskUse } from '../../artifacts/disk-use.ts';
import type { NamedModel, NamedSource } from '../../artifacts/input-catalog-of-store.ts';
import { Store, type TemporalAddress } from '../../artifacts/store.ts';
import { messageOf } from '../../experiment/message-of.ts';
import type { Plan } from '../../experiment/plan.ts';
import { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import type { ClusterSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import { connectToCluster, loadKubeConfig } from '../../jobs/kubernetes/connect-to-cluster.ts';
import { ForwardedHttp, ServiceRefused } from '../../jobs/kubernetes/forwarded-http.ts';
import { forwardToPod } from '../../jobs/kubernetes/port-forward.ts';
import { connect } from '../../temporal/connection.ts';
import { collectStoreGarbage, freezeSweepRemotely } from '../../temporal/store-errands.ts';
import { BadInput } from '../exit-codes.ts';
import type { LoadedSweep } from '../load-sweep.ts';
import { type RememberedStore, recallStore, rememberStore } from './remembered-store.ts';
import type { StoreAccess } from './store-access.ts';
import { mirrorFolder, StoreMirror } from './store-mirror.ts';
import { findWorkerPod } from './worker-pod.ts';

export type AskedWay = Omit<RememberedStore, 'storeId'>;

export interface StoreAnswer {
  readonly id: string;
  readonly temporal: TemporalAddress;
  readonly jobs: ClusterSettings | null;
  readonly freeBytes: number;
}

/** The way to a store in a cluster, found once a command: the worker's pod, the service in it, Temporal. */
export interface RemoteWay {
  readonly remembered: RememberedStore;
  readonly api: ApiClient;
  readonly http: ForwardedHttp;
}

/** `asked` goes before what is remembered. The kubeconfig is read now, the cluster is asked when something is needed of it. */
export async function wayToStore(asked: AskedWay): Promise<RemoteWay> {
  const known = await recallStore(asked.claim);
  const elsewhere = (['namespace', 'kubeconfig', 'context'] as const).some(
    (field) => asked[field] !== undefined && asked[field] !== known[field],
  );
  // Of another place of the same name nothing that was learnt holds.
  const { storeId: _, ...way } = known;
  const remembered = { ...(elsewhere ? way : known), ...asked };
  const connection = await connectToCluster(remembered);
  const config = await loadKubeConfig(remembered);
  const api = new ApiClient(connection);
  let worker: ReturnType<typeof findWorkerPod> | undefined;
  const open = async () => {
    worker ??= findWorkerPod(api, asked.claim);
    try {
      const { pod, port } = await worker;
      return await forwardToPod(config, { namespace: api.namespace, pod: pod.metadata.name, port });
    } catch (error) {
      // It may be replaced by another: the next request looks again.
      worker = undefined;
      throw error;
    }
  };
  // The context by its name: the user's current one may be another tomorrow.
  const place = { context: config.getCurrentContext(), namespace: api.namespace };
  return { remembered: { ...remembered, ...place }, api, http: new ForwardedHttp(open) };
}

/** A store in a volume of a cluster: asked through its worker's read-only service, told through Temporal. */
export function remoteAccess(way: RemoteWay, say: (text: string) => void): StoreAccess {
  const { http, remembered } = way;
  const shown = `pvc:${remembered.claim}`;
  let answered: Promise<StoreAnswer> | undefined;
  const answer = () => {
    answered ??= http.json<StoreAnswer>('/store');
    return answered;
  };
  let mirror: StoreMirror | undefined;
  let blind = false;

  /** What is fetched for a look: when its worker does not answer, the copies of before are looked at, and that is said once. */
  async function orAsBefore(fetch: (mirror: StoreMirror) => Promise<void>): Promise<void> {
    if (mirror === undefined || blind) return;
    try {
      await fetch(mirror);
    } catch (error) {
      if (error instanceof ServiceRefused) throw error;
      blind = true;
      say(`the worker of ${shown} does not answer (${messageOf(error)}): what is shown of its files is of before`);
    }
  }

  async function open(): Promise<Store> {
    let told: StoreAnswer | undefined;
    try {
      told = await answer();
    } catch (error) {
      answered = undefined;
      const { storeId } = remembered;
      if (storeId === undefined) throw error;
      blind = true;
      say(`the worker of ${shown} does not answer (${messageOf(error)}): what is shown of its files is of before`);
      return Store.open(mirrorFolder(storeId));
    }
    mirror = new StoreMirror(told.id, http);
    const temporal = { address: remembered.temporal ?? told.temporal.address, namespace: told.temporal.namespace };
    const store = await mirror.open(told.id, temporal);
    await rememberStore({ ...remembered, storeId: told.id });
    await mirror.bringSweeps(store);
    return store;
  }
  let opened: Promise<Store> | undefined;
  const openOnce = () => {
    opened ??= open();
    return opened;
  };

  /** Does something that only its worker does, through Temporal. */
  async function errand<T>(
    run: (lethe: Awaited<ReturnType<typeof connect>>, storeId: string) => Promise<T>,
  ): Promise<T> {
    const store = await openOnce();
    const lethe = await connect(store.temporal);
    try {
      return await run(lethe, store.id);
    } finally {
      await lethe.close();
    }
  }

  return {
    shown,
    remote: true,
    open: openOnce,
    openIfThere: openOnce,
    openOrCreate: openOnce,
    inputs: () =>
      http.json<{ readonly models: readonly NamedModel[]; readonly sources: readonly NamedSource[] }>('/catalog'),
    finishedKeys: async (plan: Plan) => {
      const done = new Set((await http.json<{ readonly keys: readonly string[] }>('/results')).keys);
      return new Set(plan.stages.flatMap(({ key }) => (done.has(key) ? [key] : [])));
    },
    // The texts are in the cluster; without them lengths are taken as the longest that are allowed.
    textLengths: async () => new Map(),
    cluster: async () => (await answer()).jobs ?? undefined,
    placeJobs: async () => {},
    freeze: async (loaded: LoadedSweep) => {
      await errand((lethe, storeId) => freezeSweepRemotely(lethe, storeId, requestOf(loaded)));
      await mirror?.bringSweeps(await openOnce());
    },
    bringResults: async (sweep) => {
      const store = await openOnce();
      await orAsBefore((each) => each.bringResults(store, sweep));
    },
    bringStages: async (keys) => {
      await openOnce();
      await orAsBefore((each) => each.bringStages(keys));
    },
    bringReport: async (sweepId) => {
      await openOnce();
      await orAsBefore((each) => each.bringReport(sweepId)).catch((error: unknown) => {
        // Without a report yet; who looks for it says so.
        if (!(error instanceof ServiceRefused && error.status === 404)) throw error;
      });
    },
    api: async () => way.api,
    freeBytes: async () => (await answer()).freeBytes,
    diskUse: () => http.json<DiskUse>('/usage'),
    collectGarbage: (dryRun) => errand((lethe, storeId) => collectStoreGarbage(lethe, storeId, { dryRun })),
  };
}

/** Text enters as a workflow's input. */
const MOST_TEXT = 200_000;

function requestOf({ path, text, planHash, id, models }: LoadedSweep) {
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_TEXT)
    throw new BadInput(`${path}: expected at most ${MOST_TEXT} bytes for a store in a cluster, got ${bytes}`);
  return { sweepId: id, planHash, path, text, models };
}
