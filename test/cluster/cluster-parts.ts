import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of what the test cluster runs on, in the user's cache. */
export interface ClusterParts {
  /** `kubernetes`, one program with every part of it, and `kubectl`. */
  readonly kubernetes: string;
  /** Unpacked containerd, runc and CNI plugins. */
  readonly runtime: string;
  /** Our own small programs, and `images/`: pause and workload. */
  readonly programs: string;
  /** Where `npm run cluster:up` keeps its cluster. */
  readonly standing: string;
}

const builder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'scripts', 'setup', 'test-cluster.mjs');

/** Finds the parts; throws a sentence that says what to type when one lacks. */
export function clusterParts(): ClusterParts {
  const { status, stdout } = spawnSync(process.execPath, [builder, '--built-only'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0)
    throw new Error('expected the parts of the test cluster in the cache: `npm run cluster:up` makes them');
  return JSON.parse(stdout) as ClusterParts;
}
