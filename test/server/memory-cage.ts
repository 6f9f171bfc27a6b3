import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A memory control group that the first attempt of a job is put into, for as long as the test wants. */
export interface MemoryCage {
  /** Words before `lethe-launch`. */
  readonly wrap: readonly string[];
  remove(): void;
}

const ROOT = '/sys/fs/cgroup';

/** Undefined where this process may not make control groups. */
export function memoryCage(limitBytes: number): MemoryCage | undefined {
  const isFirst = existsSync(join(ROOT, 'memory', 'memory.limit_in_bytes'));
  const folder = isFirst ? join(ROOT, 'memory', `lethe-test-${process.pid}`) : join(ROOT, `lethe-test-${process.pid}`);
  try {
    if (!isFirst && !/\bmemory\b/.test(readFileSync(join(ROOT, 'cgroup.subtree_control'), 'utf8'))) return undefined;
    mkdirSync(folder);
    writeFileSync(join(folder, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), String(limitBytes));
  } catch {
    return undefined;
  }
  const script = `case "$*" in *"--attempt 1 "*) echo $$ > ${join(folder, 'cgroup.procs')} ;; esac; exec "$@"`;
  return { wrap: ['/bin/sh', '-c', script, 'sh'], remove: () => rmdirSync(folder) };
}
