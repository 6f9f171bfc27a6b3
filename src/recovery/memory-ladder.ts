import type { TrainerFlags } from './evidence.ts';
import type { JobResources } from './job-resources.ts';

/** How a job is set up: what the out-of-memory ladder moves. */
export interface JobSetup {
  readonly flags: TrainerFlags;
  readonly resources: JobResources;
}

/** A rung: the set-up after it and what changed, for the reader of the UI. */
export interface Rung extends JobSetup {
  readonly change: string;
}

/** Where a stage stands after so many failures for memory. */
export interface Climbed extends Rung {
  /** There were more failures than rungs: nothing is left to give, this is the last one. */
  readonly exhausted: boolean;
}

/**
 * The set-up after `failures` failures for memory. The rungs in turn: half the micro-batch with as much more accumulation (same global batch, so the same
 * experiment), activation recompute, more memory up to `memoryLimit`; then the first and the last again. A rung that would change nothing is passed over.
 * A pure function of the number of failures, so a ledger that was rebuilt climbs to the same place.
 */
export function climb(start: JobSetup, failures: number, memoryLimit: number): Climbed {
  let rung: Rung = { ...start, change: 'as asked' };
  let turn = 0;
  for (let climbed = 0; climbed < failures; climbed += 1) {
    let next: Rung | undefined;
    for (let tried = 0; next === undefined && tried < RUNGS.length; tried += 1) {
      next = RUNGS[turn % RUNGS.length]?.(rung, memoryLimit);
      turn += 1;
    }
    if (next === undefined) return { ...rung, exhausted: true };
    rung = next;
  }
  return { ...rung, exhausted: false };
}

/** The same global batch in micro-batches of at most `atMost`: the largest that divides it, so that all are of one size. */
export function withMicroBatch(flags: TrainerFlags, atMost: number): TrainerFlags {
  const batch = flags.microBatch * flags.accumulate;
  let microBatch = Math.max(1, Math.min(atMost, batch));
  while (batch % microBatch !== 0) microBatch -= 1;
  return { ...flags, microBatch, accumulate: batch / microBatch };
}

type Step = (at: JobSetup, memoryLimit: number) => Rung | undefined;

const halve: Step = ({ flags, resources }) => {
  if (flags.microBatch <= 1) return undefined;
  const halved = withMicroBatch(flags, Math.floor(flags.microBatch / 2));
  const change = `micro-batch ${flags.microBatch} → ${halved.microBatch}, accumulation ${flags.accumulate} → ${halved.accumulate}`;
  return { flags: halved, resources, change };
};

const recompute: Step = ({ flags, resources }) =>
  flags.recompute
    ? undefined
    : { flags: { ...flags, recompute: true }, resources, change: 'activations are recomputed' };

const grow: Step = ({ flags, resources }, memoryLimit) => {
  const memoryBytes = Math.min(2 * resources.memoryBytes, memoryLimit);
  if (memoryBytes <= resources.memoryBytes) return undefined;
  const change = `memory ${mebibytes(resources.memoryBytes)} → ${mebibytes(memoryBytes)} MiB`;
  return { flags, resources: { ...resources, memoryBytes }, change };
};

const RUNGS: readonly Step[] = [halve, recompute, grow];

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
