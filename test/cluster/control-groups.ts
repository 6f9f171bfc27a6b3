import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes a control group named `id` below the caller's own in every version 1 hierarchy, with one more for each node, and lists
 * them in `file` ("CONTROLLER FOLDER" a line) before it makes the next, so that whatever was made can be removed.
 * Limits of the caller's own groups hold for the cluster.
 */
export function makeControlGroups(file: string, id: string, nodes: number): void {
  const mounts = hierarchyMounts();
  writeFileSync(file, '');
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')) {
    const [, controller = '', path = '/'] = line.split(':');
    const mount = mounts.get(controller);
    if (mount === undefined) continue;
    const own = join(mount, path);
    const group = join(own, id);
    mkdirSync(group);
    appendFileSync(file, `${controller} ${group}\n`);
    if (controller === 'cpuset') {
      for (const setting of ['cpuset.cpus', 'cpuset.mems'])
        writeFileSync(join(group, setting), readFileSync(join(own, setting)));
      writeFileSync(join(group, 'cgroup.clone_children'), '1');
    }
    for (let node = 1; node <= nodes; node++) mkdirSync(join(group, `n${node}`));
  }
}

/** Where each version 1 hierarchy is mounted, by its controllers as /proc/self/cgroup writes them. */
function hierarchyMounts(): Map<string, string> {
  const mounts = new Map<string, string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, , options = ''] = right.split(' ');
    const mount = left.split(' ')[4];
    if (type === 'cgroup' && mount !== undefined) mounts.set(options.replace(/^r[wo],/, ''), mount);
  }
  return mounts;
}

/** The control groups that a list names. */
export function listedControlGroups(file: string): readonly { controller: string; folder: string }[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [controller = '', folder = ''] = line.split(' ');
    return { controller, folder };
  });
}
