import { Latch } from '../latch.ts';

export interface ChildExit {
  readonly exitCode?: number;
  readonly signal?: string;
  /** The launch program could not be started at all. */
  readonly spawnError?: string;
}

export interface ChildProcessId {
  readonly pid: number;
  /** Undefined when it had ended before anybody could look. */
  readonly startTime?: number;
}

/** A job that this worker started: only its parent hears of its end at once, and with its exit code. */
export class ChildJob {
  readonly started = new Latch<ChildProcessId>();
  /** Null: nobody is its parent any more. It runs on, and is watched like a job of another worker. */
  readonly ended = new Latch<ChildExit | null>();

  get pid(): number | undefined {
    return this.started.value?.pid;
  }
}
