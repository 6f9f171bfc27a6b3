import type { DiskUse, Garbage } from '../../artifacts/disk-use.ts';
import type { NamedModel, NamedSource } from '../../artifacts/input-catalog-of-store.ts';
import type { Store } from '../../artifacts/store.ts';
import type { StoredSweep } from '../../artifacts/stored-sweeps.ts';
import type { Plan } from '../../experiment/plan.ts';
import type { SequenceLengths } from '../../experiment/sequence-lengths.ts';
import type { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import type { ClusterSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import type { AskedPlace } from '../cluster-of-store.ts';
import type { LoadedSweep } from '../load-sweep.ts';

/**
 * A store as commands need it, wherever it is: a folder of this machine, or a volume in a cluster, which no command ever opens. Commands read the files of
 * `open()`; of a remote store those are copies on this machine, and what `bring…` was asked for is as new as that call. For a folder `bring…` does nothing.
 */
export interface StoreAccess {
  /** As a person writes it after `--store`. */
  readonly shown: string;
  /** True: its volume is in a cluster. */
  readonly remote: boolean;

  /** Throws `BadInput` when there is none: looking must not create. */
  open(): Promise<Store>;
  openIfThere(): Promise<Store | undefined>;
  openOrCreate(): Promise<Store>;

  inputs(): Promise<{ readonly models: readonly NamedModel[]; readonly sources: readonly NamedSource[] }>;
  /** Keys of the plan's stages whose result is in the store; none when there is no store yet. */
  finishedKeys(plan: Plan): Promise<Set<string>>;
  /** How long the plan's texts are, where that can be told. */
  textLengths(plan: Plan): Promise<ReadonlyMap<string, SequenceLengths>>;
  /** Where its jobs run; undefined: on this machine. Throws `BadInput` for words that do not go together. */
  cluster(asked: AskedPlace): Promise<ClusterSettings | undefined>;
  /** Remembers where its jobs run from now on. */
  placeJobs(asked: AskedPlace): Promise<void>;
  freeze(loaded: LoadedSweep): Promise<void>;

  bringResults(sweep: StoredSweep): Promise<void>;
  bringStages(keys: readonly string[]): Promise<void>;
  bringReport(sweepId: string): Promise<void>;

  /** The API server of the cluster in which its jobs run, with the caller's rights; undefined: they run on this machine. */
  api(): Promise<ApiClient | undefined>;
  /** On its disk, where it is or would be made. */
  freeBytes(): Promise<number>;
  diskUse(): Promise<DiskUse>;
  /** Of a remote store the first thousand are named. */
  collectGarbage(dryRun: boolean): Promise<Garbage>;
}
