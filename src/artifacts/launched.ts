/** `launched.json`: the job exists. From then on a job that cannot be found is lost; it is never started again under the same attempt. */
export type Launched = LaunchedLocally | LaunchedInCluster;

/** Linked by the job's own first act (`lethe-launch`), which then becomes the job without changing pid or start time. */
export interface LaunchedLocally {
  readonly format: 'lethe-launched/1';
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. Pid and start time together name one process of one boot. */
  readonly startTime: number;
  readonly bootId: string;
  readonly host: string;
  /** How often the kernel had killed for memory when the job started, as `oomSource` counted it. */
  readonly oomKills: number;
  /** File that holds the counter: the memory cgroup's events, or /proc/vmstat (also when absent). */
  readonly oomSource?: string;
  readonly launchedAt: string;
}

export interface LaunchedInCluster {
  readonly format: 'lethe-launched/1';
  readonly jobUid: string;
  readonly launchedAt: string;
}

/** The trainer's own name of its folder: stable over `exec`, so that the writer of a local job is known without a look at the disk. */
export function localWriter(launched: LaunchedLocally): string {
  return `${launched.pid}-${launched.startTime}`;
}

export function isLocal(launched: Launched): launched is LaunchedLocally {
  return 'pid' in launched;
}
