import type { JobResources } from '../../recovery/job-resources.ts';

/** What a job takes of the machine. */
export interface Claim extends JobResources {
  readonly name: string;
  /** Its worker's `--slots`: so many jobs at once, whatever they take. */
  readonly slots: number | undefined;
}

export interface Admission {
  /** Queued jobs that may start now, in order. */
  readonly admitted: readonly string[];
  /** What each of the others waits for. */
  readonly waiting: ReadonlyMap<string, string>;
}

/**
 * Who of the queue may start. First come, first served: nobody passes a job that does not fit, so a large job starts as soon as enough of those before it
 * have ended. A job that needs more than the machine has runs alone.
 */
export function admit(running: readonly Claim[], queue: readonly Claim[], capacity: JobResources): Admission {
  const taken = [...running];
  const admitted: string[] = [];
  const waiting = new Map<string, string>();
  let blocked: string | undefined;
  for (const claim of queue) {
    const lack = blocked === undefined ? lackFor(claim, taken, capacity) : `${blocked} is before it`;
    if (lack === undefined) {
      taken.push(claim);
      admitted.push(claim.name);
      continue;
    }
    blocked ??= claim.name;
    waiting.set(claim.name, lack);
  }
  return { admitted, waiting };
}

function lackFor(claim: Claim, taken: readonly Claim[], capacity: JobResources): string | undefined {
  if (taken.length === 0) return undefined;
  if (claim.slots !== undefined) {
    if (taken.length < claim.slots) return undefined;
    return claim.slots === 1 ? 'the only slot is taken' : `all ${claim.slots} slots are taken`;
  }
  const used = (what: 'cores' | 'memoryBytes' | 'gpus') => taken.reduce((sum, other) => sum + other[what], 0);
  if (used('cores') + claim.cores > capacity.cores) {
    return `waits for ${claim.cores} of ${capacity.cores} cores, ${used('cores')} are taken`;
  }
  if (used('memoryBytes') + claim.memoryBytes > capacity.memoryBytes) {
    return `waits for ${mebibytes(claim.memoryBytes)} of ${mebibytes(capacity.memoryBytes)} MiB, ${mebibytes(used('memoryBytes'))} are taken`;
  }
  if (used('gpus') + claim.gpus > capacity.gpus) {
    return `waits for ${claim.gpus} of ${capacity.gpus} GPUs, ${used('gpus')} are taken`;
  }
  return undefined;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
