import type { ApiClient } from '../jobs/kubernetes/api-client.ts';
import type { ClusterConnection } from '../jobs/kubernetes/cluster-connection.ts';
import type { Lethe } from '../temporal/connection.ts';
import type { ClusterMeans } from './cluster-means.ts';
import type { DrillStore } from './drill-store.ts';
import type { DrillSweep } from './drill-sweep.ts';

/** What every row of a drill shares. */
export interface DrillParts {
  readonly sweep: DrillSweep;
  readonly store: DrillStore;
  readonly connection: ClusterConnection;
  readonly api: ApiClient;
  readonly lethe: Lethe;
  /** The settings of the cluster as a file holds them, without `store.subPath`. */
  readonly written: WrittenSettings;
  /** Absent: the rows that need them are not run. */
  readonly means?: ClusterMeans;
  /** Workflows stay on the server, to be looked at. */
  readonly keepHistories?: boolean;
}

export interface WrittenSettings {
  readonly image: string;
  readonly store: { readonly claim: string };
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}
