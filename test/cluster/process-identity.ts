import { readFileSync } from 'node:fs';

/** Pid and start time, so that a recycled pid is never taken for the process it once named; undefined when it is gone or a zombie. */
export function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${pid} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
