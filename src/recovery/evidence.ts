/** What is known of an attempt that is over, and the class of its failure. Pure data: workflows decide on it. */
import type { FailureClass } from '../experiment/failure-classes.ts';

export interface Evidence {
  readonly attempt: number;
  /** How the attempt ended; `stopped` = we asked for it (stop.json, charge none) and it counts against no budget. */
  readonly outcome: 'succeeded' | 'failed' | 'stopped';
  readonly failure?: FailureClass;
  /** The rule that chose the class, in words a reader of the UI understands. */
  readonly rule: string;
  /** The trainer's last sentence, or what is known without one. */
  readonly sentence: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Step of the newest valid checkpoint over all attempts when this one ended; 0 = none. */
  readonly checkpointStep: number;
  /** Step that the attempt had reached (progress), for the steps lost. */
  readonly reachedStep: number;
  /** The writers of this attempt, oldest first (writers after the first each count as one preemption when they made no progress). */
  readonly writers: readonly { readonly name: string; readonly checkpointStep: number }[];
  /** Last lines of the log; never example text. */
  readonly logTail: readonly string[];
  /** Platform events in order (Kubernetes), or kernel counters (local). */
  readonly events: readonly string[];
  /** Machine of a cluster on which the last pod ran. */
  readonly node?: string;
  /** What that pod ran, as its kubelet reports it: name and digest, or the digest alone. Absent of local jobs and in files of earlier releases. */
  readonly image?: string;
  /** ISO 8601. */
  readonly endedAt: string;
}

/** What a person said for a stage after it was parked, or what widened its resources: `overrides/<m>.json`. */
export interface StageOverride {
  readonly sequence: number;
  /** Attempts up to this one no longer count against any budget. */
  readonly reopenedAfterAttempt?: number;
  readonly resources?: { readonly cores?: number; readonly memoryBytes?: number; readonly gpus?: number };
  readonly microBatch?: number;
  readonly image?: string;
  readonly queue?: string;
  readonly retries?: Readonly<Partial<Record<FailureClass, number>>>;
  readonly by: string;
  readonly at: string;
}

/** Flags of the trainer that the out-of-memory ladder moves; they change no key. */
export interface TrainerFlags {
  readonly microBatch: number;
  readonly accumulate: number;
  readonly recompute: boolean;
}
