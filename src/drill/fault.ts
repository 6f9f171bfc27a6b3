import type { OverrideRequest } from '../experiment/sweep-control.ts';
import type { LaunchTwist } from './drill-launcher.ts';
import type { RowWorld } from './row-world.ts';

/** Who provokes one fault and, where it does not pass by itself, ends it. */
export interface Fault {
  /** `worker process`: a worker that can be killed; `small volume`: a store that is alone on its volume. */
  readonly needs?: 'worker process' | 'small volume';
  readonly twist?: LaunchTwist;
  /** Settings of the cluster for this row alone, such as shorter waits. */
  readonly settings?: Readonly<Record<string, number | string>>;
  /** Without a step for so long a job counts as stuck. */
  readonly stallMs?: number;
  /** Before the sweep starts. */
  prepare?(world: RowWorld): Promise<void>;
  /** While it runs. Calls `world.strike()` at the fault; returns when there is nothing more to do for it. */
  provoke?(world: RowWorld): Promise<void>;
  /** After the stage was parked: ends the cause. Resolves to what a person would say with `retry --set`. */
  mend?(world: RowWorld): Promise<OverrideRequest | undefined>;
}
