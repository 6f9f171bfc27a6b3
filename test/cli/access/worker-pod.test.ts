import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { findWorkerPod } from '../../../src/cli/access/worker-pod.ts';
import { intakeJob } from '../../../src/cli/intake/intake-job.ts';
import { ApiClient } from '../../../src/jobs/kubernetes/api-client.ts';
import { podLog } from '../../../src/jobs/kubernetes/pod-log.ts';

const RUNNING = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

function worker(name: string, { claim = 'lethe-store', status = RUNNING as object, port = '' } = {}) {
  const serve = port === '' ? [] : ['--serve', port];
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'app.kubernetes.io/name': 'lethe-worker' },
    },
    spec: {
      securityContext: { runAsUser: 65_532, runAsNonRoot: true },
      containers: [
        {
          name: 'worker',
          image: 'registry/lethe-worker@sha256:1',
          args: ['worker', '--store', '/store', ...serve],
          env: [
            { name: 'PIP_INDEX_URL', value: 'https://index' },
            { name: 'TEMPORAL_API_KEY', value: 'secret' },
          ],
          volumeMounts: [{ name: 'data', mountPath: '/store', subPath: 'lethe' }],
        },
      ],
      volumes: [
        { name: 'settings', configMap: { name: 'x' } },
        { name: 'data', persistentVolumeClaim: { claimName: claim } },
      ],
    },
    status,
  };
}

describe('the worker beside a claim', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function cluster(pods: readonly object[], log?: string): Promise<ApiClient> {
    const listening = createServer((request, response) => {
      response.end(request.url?.includes('/log?') ? log : JSON.stringify({ items: pods }));
    }).listen(0, '127.0.0.1');
    server = listening;
    await new Promise((resolve) => listening.once('listening', resolve));
    const { port } = listening.address() as AddressInfo;
    const requestOptions = async () => ({});
    return new ApiClient({ server: `http://127.0.0.1:${port}`, namespace: 'lethe', requestOptions });
  }

  it('is the ready one that mounts it, at the port that it was given', async () => {
    const deleted = worker('old', { status: { phase: 'Pending' } });
    const api = await cluster([worker('other', { claim: 'other' }), deleted, worker('new', { port: '9000' })]);
    expect(await findWorkerPod(api, 'lethe-store')).toMatchObject({ pod: { metadata: { name: 'new' } }, port: 9000 });
  });

  it('when there is none, is missed with what there is and what to do', async () => {
    const api = await cluster([worker('other', { claim: 'other' })]);
    await expect(findWorkerPod(api, 'lethe-store')).rejects.toThrow(/found 1 that mount others. Another namespace: -n/);
  });

  it('when it does not come up, is named with its reason', async () => {
    const state = { waiting: { reason: 'ImagePullBackOff' } };
    const api = await cluster([worker('new', { status: { phase: 'Pending', containerStatuses: [{ state }] } })]);
    await expect(findWorkerPod(api, 'lethe-store')).rejects.toThrow(/pod new in namespace lethe is ImagePullBackOff/);
  });

  it('lends its image, user and volume to the Job that takes files in, and none of its secrets', async () => {
    const job = intakeJob(await findWorkerPod(await cluster([worker('new')]), 'lethe-store'), 'lethe');
    const { template } = job.spec as { template: { spec: Record<string, unknown> } };
    const [container] = template.spec.containers as [Record<string, unknown>];
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsUser: 65_532 },
    });
    expect(container).toMatchObject({
      image: 'registry/lethe-worker@sha256:1',
      args: ['intake', '--store', '/store', '--port', '8485'],
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    });
    expect(container.volumeMounts).toContainEqual({ name: 'store', mountPath: '/store', subPath: 'lethe' });
    const names = (container.env as { name: string }[]).map(({ name }) => name);
    expect(names).toContain('PIP_INDEX_URL');
    expect(names).not.toContain('TEMPORAL_API_KEY');
    expect(JSON.stringify(job)).not.toContain('managed-by');
  });

  it('reads the log of the newest pod of a job once its container has started', async () => {
    const pod = (state: object) => ({ ...worker('p'), status: { phase: 'Running', containerStatuses: [{ state }] } });
    const log = '2026-01-01T00:00:01.5Z step 1\n2026-01-01T00:00:02.5Z step 2\n';
    expect(await podLog(await cluster([pod({ running: {} })], log), 'job', 2)).toEqual(['step 1', 'step 2']);
    server?.close();
    expect(await podLog(await cluster([pod({ waiting: {} })], log), 'job', 2)).toEqual([]);
    server?.close();
    expect(await podLog(await cluster([]), 'job', 2)).toBeUndefined();
  });
});
