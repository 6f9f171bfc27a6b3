import { join } from 'node:path';
import type { JobSpec } from '../artifacts/job-spec.ts';
import type { TrainerFlags } from '../recovery/evidence.ts';
import type { JobResources } from '../recovery/job-resources.ts';

export interface JobRequest {
  readonly storeId: string;
  readonly key: string;
  readonly attempt: number;
  /** The stage's folder as the job sees it. */
  readonly stageFolder: string;
  /** The trainer's program as the job sees it (and whatever must come before its own arguments). */
  readonly trainer: readonly string[];
  readonly flags: TrainerFlags;
  readonly resources: JobResources;
  /** Steps between checkpoints; the trainer's own choice when absent. */
  readonly checkpointEvery?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The job of one attempt. The same request gives the same bytes: nothing of the clock or the machine enters. */
export function makeJobSpec(request: JobRequest): JobSpec {
  return {
    format: 'lethe-job/1',
    name: jobName(request.storeId, request.key, request.attempt),
    storeId: request.storeId,
    key: request.key,
    attempt: request.attempt,
    command: [...request.trainer, ...trainerArguments(request)],
    environment: request.environment ?? {},
    attemptFolder: join(request.stageFolder, 'attempts', String(request.attempt)),
    resources: request.resources,
    annotations: request.annotations ?? {},
  };
}

/** `lethe-<store6>-<key12>-a<n>`: a valid name on every platform (DNS label, 63 characters). */
export function jobName(storeId: string, key: string, attempt: number): string {
  return `lethe-${storeId.slice(0, 6)}-${key.slice(0, 12)}-a${attempt}`;
}

function trainerArguments({ stageFolder, attempt, flags, resources, checkpointEvery }: JobRequest): string[] {
  return [
    ...['--stage', stageFolder],
    ...['--attempt', String(attempt)],
    ...['--micro-batch', String(flags.microBatch)],
    ...['--accumulate', String(flags.accumulate)],
    ...(flags.recompute ? ['--recompute'] : []),
    ...['--threads', String(Math.max(1, Math.floor(resources.cores)))],
    ...(checkpointEvery === undefined ? [] : ['--checkpoint-every', String(checkpointEvery)]),
  ];
}
