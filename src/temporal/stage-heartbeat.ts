/** What the attempt in flight reports with every heartbeat: the one live source of `status`, `watch` and the Temporal UI. A hint; the truth is on disk. */
export interface StageHeartbeat {
  readonly attempt: number;
  /** `preparing` and `collecting` are Lethe's own work around the job. */
  readonly state: 'preparing' | 'queued' | 'starting' | 'running' | 'stopping' | 'collecting' | 'unreachable';
  /** What it waits for, when it waits. */
  readonly reason?: string;
  readonly step?: number;
  readonly steps?: number;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  /** Step of the newest checkpoint. */
  readonly checkpoint?: number;
  /** When it was written, in seconds since the epoch: what would be lost is younger. */
  readonly checkpointAt?: number;
  readonly job?: string;
}
