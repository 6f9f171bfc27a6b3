import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { JobResources } from '../../recovery/job-resources.ts';

/** What the local launcher asks the kernel. A seam of its own, so that a reboot and a kill for memory can be told in a test of any machine. */
export interface Machine {
  /** Changes with every boot: pids of another boot mean nothing. */
  readonly bootId: string;
  /** What jobs may use together. */
  readonly capacity: JobResources;
  /** Start time of a process that lives; undefined when there is none with this pid, or only its zombie. Throws when the kernel cannot be asked. */
  startTime(pid: number): number | undefined;
  /** How often the kernel has killed for memory, as counted in `source`; undefined when the counter is gone. */
  oomKills(source: string): number | undefined;
}

export const SYSTEM_COUNTERS = '/proc/vmstat';

/** Share of the memory that jobs may use; the rest is for worker, server and page cache. */
const MEMORY_SHARE = 0.9;

/** The machine that this process runs on, limits of its control groups respected. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    capacity: { cores: availableParallelism(), memoryBytes: Math.floor(memory * MEMORY_SHARE), gpus: countGpus() },
    startTime: startTimeOf,
    oomKills,
  };
}

/** See `Machine.startTime`. */
export function startTimeOf(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (isGone(error)) return undefined;
    throw error;
  }
  return parseStat(stat);
}

/** Field 22 of /proc/PID/stat, or undefined in state Z or X. The name in field 2 may hold spaces and parentheses. */
export function parseStat(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (state === 'Z' || state === 'X') return undefined;
  return Number(fields[19]);
}

function oomKills(source: string): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(source, 'utf8'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    // A control group is removed with its last process.
    return undefined;
  }
}

function countGpus(): number {
  return readdirSync('/dev').filter((name) => /^nvidia\d+$/.test(name)).length;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}
