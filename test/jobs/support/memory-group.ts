import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  /** Words before a command that run it in a new memory cgroup of so many bytes. */
  enter(bytes: number): string[];
  remove(): Promise<void>;
}

/** A memory cgroup of our own, where this machine lets us make one (root, cgroup v1 or v2 with the memory controller); undefined otherwise. */
export function memoryGroup(): MemoryGroup | undefined {
  for (const { parent, limit } of candidates()) {
    const folder = join(parent, `lethe-test-${process.pid}`);
    try {
      mkdirSync(folder);
      readFileSync(join(folder, limit));
      rmdirSync(folder);
    } catch {
      continue;
    }
    return {
      enter: (bytes) => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, limit), String(bytes));
        return ['/bin/sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh'];
      },
      remove: async () => {
        // The last process leaves its group a moment after its parent has heard of its end.
        for (let tries = 0; ; tries += 1) {
          try {
            rmdirSync(folder);
            return;
          } catch (error) {
            if (tries === 100) throw error;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      },
    };
  }
  return undefined;
}

function candidates(): { parent: string; limit: string }[] {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('memory')) {
      return [{ parent: join('/sys/fs/cgroup/memory', path), limit: 'memory.limit_in_bytes' }];
    }
    return controllers === '' && path !== '' ? [{ parent: join('/sys/fs/cgroup', path), limit: 'memory.max' }] : [];
  });
}
