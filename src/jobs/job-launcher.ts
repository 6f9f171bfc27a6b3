import type { JobSpec } from '../artifacts/job-spec.ts';
import type { ModelSpec } from '../experiment/stage-spec.ts';

export type { JobSpec } from '../artifacts/job-spec.ts';
export type { JobResources } from '../recovery/job-resources.ts';

/**
 * Where training runs. Three kinds keep the same promises: `local/` (detached processes of this machine), `kubernetes/` (Jobs) and `fake/` (tests);
 * one contract suite (test/contract/job-launcher.ts) runs on each.
 *
 * - Unreachable is not dead: a launcher that cannot see its job throws `LauncherUnreachable`, it never reports an end.
 * - Absence is not "not started": once launched.json exists, a job that cannot be found is lost, and is never started again under the same attempt.
 * - Only `cancel` stops a job. Losing the launcher (worker killed, activity timed out) does not.
 */
export interface JobLauncher {
  readonly kind: 'local' | 'kubernetes' | 'fake';

  /**
   * The job with all that this platform will be asked for, made once, before it is published as job.json: later launches send the same bytes whatever the
   * configuration says by then. Pure. A launcher without it takes jobs as they are.
   */
  complete?(spec: JobSpec, wishes: JobWishes): JobSpec;

  /**
   * Makes the job exist: idempotent by `spec.name`. Returns at once; a job that must wait for room is `queued`.
   * The caller has published `attempts/<n>/job.json` before. Throws `JobNameTaken` when a foreign job holds the name, `JobRefused` when the platform will never
   * take this job.
   */
  launch(spec: JobSpec): Promise<void>;

  /** The job's state now, read from the truth (process table and files, or the API server), not from memory. */
  observe(spec: JobSpec): Promise<JobObservation>;

  /**
   * Resolves when the job's state may have changed, at the latest after `maxWaitMs` or when `signal` fires. Only shortens latency: callers observe afterwards.
   */
  waitForChange(spec: JobSpec, maxWaitMs: number, signal?: AbortSignal): Promise<void>;

  /**
   * Asks the job to stop (checkpoint, then exit 75) and kills it when `graceMs` is over. The caller has published stop.json before. Returns when the job is gone;
   * a job that never started is withdrawn. Idempotent.
   */
  cancel(spec: JobSpec, graceMs: number): Promise<void>;

  /** What the platform knows of a job that ended: exit code or signal, kernel or platform events. Requires: observe said `ended` or `lost`. */
  platformEvidence(spec: JobSpec): Promise<PlatformEvidence>;

  /**
   * The attempt is over and its evidence.json published: the platform may forget the job, and must give up one that is still there. Idempotent; may be left out
   * by a crash, so a launcher that needs it finds such jobs itself. Absent where the platform keeps nothing.
   */
  release?(spec: JobSpec): Promise<void>;
}

/** What a platform may go by when it completes a job. */
export interface JobWishes {
  readonly model: ModelSpec;
  /** What a stop must leave time for. */
  readonly checkpoint?: CheckpointCost;
  /** Machine on which the last attempt's device failed: another one is taken where there is one. */
  readonly avoidNode?: string;
  /** What a person said for this stage, before the configuration. */
  readonly image?: string;
  readonly queue?: string;
}

export interface CheckpointCost {
  readonly bytes: number;
  /** The longest that earlier attempts of the stage told of; absent before any. */
  readonly seconds?: number;
}

export type JobObservation =
  /** Not running yet; `reason` says what it waits for. */
  | { readonly state: 'queued'; readonly reason: string }
  /** Accepted, its process or container not yet up (image pull, scheduling). */
  | { readonly state: 'starting'; readonly reason: string; readonly kind?: 'image' | 'unschedulable' }
  | {
      readonly state: 'running';
      readonly startedAt: string;
      /** Process, or pod and node. */
      readonly where: string;
      /** Why it will not run for long. */
      readonly leaving?: string;
    }
  /** Over, in an orderly way or not. */
  | { readonly state: 'ended' }
  /** It was launched and can no longer be found. */
  | { readonly state: 'lost'; readonly reason: string };

export interface PlatformEvidence {
  readonly exitCode?: number;
  readonly signal?: string;
  /** The kernel or the platform says that the job was killed for memory. */
  readonly outOfMemory: boolean;
  /** The platform took the job away (eviction, preemption, drain, reboot). */
  readonly preempted: boolean;
  readonly events: readonly string[];
  /** The job's last words as the platform kept them; the trainer's outcome.json comes first. */
  readonly lastWords?: string;
  /** Machine of a cluster on which it last ran. */
  readonly node?: string;
  /** What it ran there, by the digest that the machine reports. */
  readonly image?: string;
}

/** Thrown when the platform cannot be asked. Retry; never count it against the stage. */
export class LauncherUnreachable extends Error {
  override readonly name = 'LauncherUnreachable';
}

/** Thrown when a job that is not ours holds the name. Class `config`; nothing is deleted. */
export class JobNameTaken extends Error {
  override readonly name = 'JobNameTaken';
}

/** Thrown when the platform refuses the job for what it asks: the same job is refused again. Class `config`. */
export class JobRefused extends Error {
  override readonly name = 'JobRefused';
}
