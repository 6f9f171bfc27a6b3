/** What the attempt in flight reports with every heartbeat: the one live source of `status`, `watch` and the Temporal UI. A hint; the truth is on disk. */
export interface StageHeartbeat {
  readonly attempt: number;
  /** `preparing` and `collecting` are Lethe's own work around the job. */
  readonly state: 'preparing' | 'queued' | 'starting' | 'running' | 'stopping' | 'collecting' | 'unreachable';
  /** What it waits for, when it waits; of a running job, what was or will be taken from it. */
  readonly reason?: string;
  /** Process, or pod and node, of a running job. */
  readonly where?: string;
  readonly step?: number;
  readonly steps?: number;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  /** Step of the newest checkpoint. */
  readonly checkpoint?: number;
  /** When it was written (ISO 8601): what would be lost is younger. */
  readonly checkpointAt?: string;
  readonly job?: string;
}
