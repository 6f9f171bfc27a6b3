import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';
import { type WorkloadJob, workloadJob } from './workload-job.ts';

/** One cluster for the file, since none of these tests takes anything away from it; each has a namespace of its own. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, gpus: 2 });
});
afterAll(() => cluster?.stop());

let worlds = 0;
async function setup() {
  const namespace = `test-${++worlds}`;
  await cluster.kubectl(['create', 'namespace', namespace]);
  await cluster.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', namespace, ...args]);
  return {
    kubectl,
    launch: (job: Omit<WorkloadJob, 'namespace'>) =>
      cluster.kubectl(['create', '-f', '-'], workloadJob({ ...job, namespace })),
    complete: (name: string) => kubectl('wait', '--for=condition=Complete', '--timeout=60s', `job/${name}`),
    failed: (name: string) => kubectl('wait', '--for=condition=Failed', '--timeout=60s', `job/${name}`),
    pod: async (name: string, path: string) =>
      kubectl('get', 'pods', '--selector', `job-name=${name}`, '--output', `jsonpath={.items[0]${path}}`),
  };
}

describe('a cluster of two nodes', () => {
  it('has both ready, each with two GPUs that it only claims', async () => {
    const nodes = await cluster.kubectl([
      ...['get', 'nodes', '--output'],
      'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.status.allocatable.nvidia\\.com/gpu} {.status.nodeInfo.kubeletVersion}{"\\n"}{end}',
    ]);
    expect(nodes).toMatch(/^n1 True 2 v1\.34\.\d+\nn2 True 2 v1\.34\.\d+\n$/);
  });

  it.for(['n1', 'n2'])('completes a Job of one pod on %s and gives back its log', async (node) => {
    const { launch, complete, kubectl } = await setup();
    await launch({
      name: 'small',
      args: ['allocate', '4'],
      nodeSelector: { 'kubernetes.io/hostname': node },
    });
    await complete('small');
    expect(await kubectl('logs', 'job/small')).toBe('allocated 4 MiB\n');
  });

  it('refuses a pod that breaks the restricted profile', async () => {
    const { kubectl } = await setup();
    const root = kubectl('run', 'root', '--image=localhost/lethe-test/workload:1', '--restart=Never');
    await expect(root).rejects.toThrow(/violates PodSecurity "restricted/);
  });

  it('fails the Job with the exit code of its pod', async () => {
    const { launch, failed, pod } = await setup();
    await launch({ name: 'bad-data', args: ['exit', '65'] });
    await failed('bad-data');
    expect(await pod('bad-data', '.status.containerStatuses[0].state.terminated.exitCode')).toBe('65');
  });

  it('names a container that passed its memory limit OOMKilled', async () => {
    const { launch, failed, pod } = await setup();
    await launch({ name: 'hungry', args: ['allocate', '200'], limits: { memory: '48Mi' } });
    await failed('hungry');
    const ended = '.status.containerStatuses[0].state.terminated';
    expect(await pod('hungry', `${ended}.reason`)).toBe('OOMKilled');
    expect(await pod('hungry', `${ended}.exitCode`)).toBe('137');
  });

  it('schedules claimed GPUs until there are none, and says so', async () => {
    const { launch, kubectl, pod } = await setup();
    const limits = { 'nvidia.com/gpu': '2' };
    for (const name of ['first', 'second']) {
      await launch({ name, args: ['wait', '600'], limits });
      await kubectl('wait', '--for=jsonpath={.status.ready}=1', '--timeout=60s', `job/${name}`);
    }
    const nodes = [await pod('first', '.spec.nodeName'), await pod('second', '.spec.nodeName')];
    expect(nodes.sort()).toEqual(['n1', 'n2']);
    await launch({ name: 'third', args: ['wait', '600'], limits });
    await kubectl(
      ...['wait', 'pod', '--selector=job-name=third', '--timeout=30s'],
      '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable',
    );
    expect(await pod('third', '.status.conditions[0].message')).toMatch(/Insufficient nvidia\.com\/gpu/);
    await kubectl('delete', 'job', '--all', '--wait=false');
  });

  it('ends a deleted pod with SIGTERM first', async () => {
    const { launch, kubectl, failed } = await setup();
    await launch({ name: 'stopped', args: ['wait', '600'] });
    await kubectl('wait', '--for=jsonpath={.status.ready}=1', '--timeout=60s', 'job/stopped');
    const watch = kubectl(
      ...['get', 'pods', '--selector=job-name=stopped', '--watch', '--request-timeout=20s', '--output'],
      'jsonpath={.status.containerStatuses[0].state.terminated.exitCode},',
    ).catch(() => '');
    await kubectl('delete', 'pod', '--selector=job-name=stopped');
    await failed('stopped');
    expect(await watch).toMatch(/\b75\b/);
  });

  it.for(['n1', 'n2'])('reaches the API server from a pod on %s with the token of its account', async (node) => {
    const { launch, complete, kubectl } = await setup();
    await launch({
      name: 'asks',
      args: ['get', 'https://10.96.0.1/readyz'],
      nodeSelector: { 'kubernetes.io/hostname': node },
      serviceAccountToken: true,
    });
    await complete('asks');
    expect(await kubectl('logs', 'job/asks')).toBe('200 OK\n');
  });

  it('reaches a service on the loopback of the host from a pod of the farther node', async () => {
    const { launch, complete, kubectl } = await setup();
    const server = createServer((_, answer) => void answer.writeHead(204).end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = await cluster.hostService((server.address() as AddressInfo).port);
    await launch({
      name: 'dials',
      args: ['get', `http://${address}/`],
      nodeSelector: { 'kubernetes.io/hostname': 'n2' },
    });
    await complete('dials');
    expect(await kubectl('logs', 'job/dials')).toBe('204 No Content\n');
    server.close();
  });
});
