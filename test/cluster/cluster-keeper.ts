import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterParts } from './cluster-parts.ts';
import type { ClusterTimings } from './cluster-timings.ts';
import { processIdentity } from './process-identity.ts';

const namespaces = join(dirname(fileURLToPath(import.meta.url)), 'namespaces');

/** Starts the keeper of a prepared folder. Leashed, the cluster ends when this process does, for the kernel then closes the pipe. */
export function startKeeper(
  folder: string,
  parts: ClusterParts,
  timings: ClusterTimings,
  { nodes, leashed }: { readonly nodes: number; readonly leashed: boolean },
): ChildProcess {
  const log = openSync(join(folder, 'logs', 'keeper'), 'a');
  const keeper = spawn(join(namespaces, 'keeper.sh'), [join(folder, 'groups')], {
    cwd: '/',
    // A session of its own: Ctrl-C reaches the one who wants the cluster, not the cluster.
    detached: true,
    stdio: [leashed ? 'pipe' : 'ignore', log, log],
    env: {
      PATH: process.env.PATH,
      STATE: folder,
      KUBERNETES: parts.kubernetes,
      RUNTIME: parts.runtime,
      PROGRAMS: parts.programs,
      NODES: String(nodes),
      ...(leashed ? { LEASHED: '1' } : {}),
      ...timings,
    },
  });
  closeSync(log);
  keeper.unref();
  (keeper.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  writeFileSync(join(folder, 'keeper'), processIdentity(keeper.pid ?? 0) ?? '');
  return keeper;
}

/** Whether the cluster of a folder runs, or its keeper still cleans up after it. */
export function isUp(folder: string): boolean {
  return running(join(folder, 'first-process')) !== undefined || running(join(folder, 'keeper')) !== undefined;
}

/** Ends the cluster of a folder, if one runs, and removes what a killed keeper may have left. */
export async function endCluster(folder: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; isUp(folder); await sleep(10)) {
    // Inside the loop: a keeper that has only just begun has no first process yet.
    const first = running(join(folder, 'first-process'));
    if (first !== undefined) process.kill(first, 'SIGKILL');
    if (Date.now() > deadline) throw new Error(`expected the keeper of ${folder} to end within 10 s of its cluster`);
  }
  if (existsSync(join(folder, 'groups'))) spawnSync(join(namespaces, 'remove-groups.sh'), [join(folder, 'groups')]);
}

/** Empties the folder of a cluster that has ended. Refuses one that is running or that holds other things. */
export async function clearFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  if (isUp(folder)) throw new Error(`expected no cluster in ${folder}, one is running: end it first`);
  const names = readdirSync(folder);
  if (names.length === 0) return;
  if (!names.includes('groups'))
    throw new Error(`expected an empty folder or one of an earlier cluster, ${folder} holds ${names[0]}`);
  await endCluster(folder);
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
}

/** The pid in a file, if it is still that process. */
function running(file: string): number | undefined {
  const identity = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  const pid = Number(identity.split(' ')[0]);
  return identity !== '' && processIdentity(pid) === identity ? pid : undefined;
}
