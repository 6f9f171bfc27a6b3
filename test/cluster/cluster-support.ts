import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Why no test cluster can run on this machine, as a sentence; undefined where one can. */
export function whyNoClusterHere(): string | undefined {
  if (process.getuid?.() !== 0) return 'namespaces and control groups need root';
  const hierarchies = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  if (!hierarchies.some((line) => line.split(':')[1] === 'memory'))
    return 'expected control groups version 1 (kubelet and containerd are set up for it), this machine has version 2 only';
  for (const [tool, debian] of [
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
    ['ip', 'iproute2'],
  ] as const)
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `expected \`${tool}\` (Debian: ${debian})`;
  return undefined;
}
