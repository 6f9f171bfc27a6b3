/** How soon a lost node is noticed. Production's figures (10 s, 40 s, 50 s, 300 s) would make every drill last minutes. */
export interface ClusterTimings {
  readonly NODE_STATUS_EVERY: string;
  readonly NODE_LEASE_SECONDS: string;
  readonly NODE_MONITOR_PERIOD: string;
  readonly NODE_MONITOR_GRACE: string;
  /** Seconds that pods tolerate a node that is not ready or unreachable. */
  readonly EVICTION_AFTER: string;
}

/** A node counts as lost about 9 s after its last word, its pods go 5 s later. */
export const SHORT_TIMINGS: ClusterTimings = {
  NODE_STATUS_EVERY: '2s',
  NODE_LEASE_SECONDS: '4',
  NODE_MONITOR_PERIOD: '1s',
  NODE_MONITOR_GRACE: '8s',
  EVICTION_AFTER: '5',
};

/** Lost after about 4 s, pods go 2 s later; twice the idle CPU, and a machine under load may lose nodes for no other reason. */
export const FAST_TIMINGS: ClusterTimings = {
  NODE_STATUS_EVERY: '1s',
  NODE_LEASE_SECONDS: '1',
  NODE_MONITOR_PERIOD: '500ms',
  NODE_MONITOR_GRACE: '3s',
  EVICTION_AFTER: '2',
};
