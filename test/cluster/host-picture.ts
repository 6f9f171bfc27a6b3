import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** What a cluster could leave behind on its host. Equal before and after, whatever else the machine does meanwhile. */
export interface HostPicture {
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly folders: Readonly<Record<string, readonly string[]>>;
  readonly settings: Readonly<Record<string, string>>;
}

const FOLDERS = [
  '/run',
  '/run/mount',
  '/var/lib',
  '/var/log',
  '/etc',
  '/etc/cni',
  '/opt',
  '/usr/libexec',
  '/sys/fs/cgroup',
];
/** Kubelet sets them for the whole kernel. */
const SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
];

export function hostPicture(): HostPicture {
  const ip = (...args: string[]) =>
    execFileSync('ip', ['-o', ...args], { encoding: 'utf8' })
      .trim()
      .split('\n');
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n'),
    links: ip('link').map((line) => line.split(':')[1] ?? ''),
    addresses: ip('address').map((line) => line.replace(/ valid_lft .*/, '')),
    routes: ip('route', 'show', 'table', 'all'),
    folders: Object.fromEntries(FOLDERS.filter(existsSync).map((folder) => [folder, readdirSync(folder).sort()])),
    settings: Object.fromEntries(SETTINGS.map((name) => [name, readFileSync(`/proc/sys/${name}`, 'utf8').trim()])),
  };
}

/** Processes that belong to the cluster in `folder`: in its control groups, whatever else they are, or naming its folder. */
export function processesOf(folder: string): string[] {
  const id = `/${basename(folder)}-`;
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id)) return true;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`);
    } catch {
      return false;
    }
  });
}

/** Control groups of the cluster in `folder`, wherever they lie. */
export function controlGroupsOf(folder: string): string[] {
  const pattern = `${basename(folder)}-*`;
  const found = execFileSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', pattern], { encoding: 'utf8' });
  return found.split('\n').filter((line) => line !== '');
}
