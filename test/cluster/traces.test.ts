import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import { endCluster, isUp } from './cluster-keeper.ts';
import { controlGroupsOf, hostPicture, processesOf } from './host-picture.ts';
import { workloadJob } from './workload-job.ts';

describe('what a cluster leaves behind', () => {
  it('is nothing after two nodes with a running pod were ended', async () => {
    const before = hostPicture();
    const cluster = await startCluster({ nodes: 2 });
    const manifest = workloadJob({ name: 'running', namespace: 'default', args: ['wait', '600'] });
    await cluster.kubectl(['create', '-f', '-'], manifest);
    await cluster.kubectl(['wait', '--for=jsonpath={.status.ready}=1', '--timeout=60s', 'job/running']);
    expect(processesOf(cluster.folder).length).toBeGreaterThan(10);
    expect(controlGroupsOf(cluster.folder).length).toBeGreaterThan(5);
    expect(hostPicture()).toEqual(before);
    await cluster.stop();
    expect(processesOf(cluster.folder)).toEqual([]);
    expect(controlGroupsOf(cluster.folder)).toEqual([]);
    expect(existsSync(cluster.folder)).toBe(false);
    expect(hostPicture()).toEqual(before);
  });

  it('is nothing that runs after the process that wanted it was killed', async () => {
    const script = `import { startCluster } from ${JSON.stringify(join(import.meta.dirname, 'cluster.ts'))};
      console.log((await startCluster()).folder); setInterval(() => {}, 1_000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [folder] = (await once(createInterface(owner.stdout), 'line')) as [string];
    expect(isUp(folder)).toBe(true);
    owner.kill('SIGKILL');
    await expect.poll(() => processesOf(folder), { timeout: 5_000 }).toEqual([]);
    await expect.poll(() => controlGroupsOf(folder), { timeout: 5_000 }).toEqual([]);
    await endCluster(folder);
    await rm(folder, { recursive: true });
  });

  it('is nothing that runs after its keeper was killed and the cluster was ended', async () => {
    const cluster = await startCluster();
    const keeper = Number(readFileSync(join(cluster.folder, 'keeper'), 'utf8').split(' ')[0]);
    process.kill(keeper, 'SIGKILL');
    await cluster.stop();
    expect(processesOf(cluster.folder)).toEqual([]);
    expect(controlGroupsOf(cluster.folder)).toEqual([]);
  });
});
