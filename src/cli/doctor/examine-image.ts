import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { NUMERICS_VERSION } from '../../experiment/numerics-version.ts';
import type { ApiClient } from '../../jobs/kubernetes/api-client.ts';
import { pathOf } from '../../jobs/kubernetes/api-paths.ts';
import { type ClusterEvent, isOver, type Pod } from '../../jobs/kubernetes/cluster-objects.ts';
import type { ClusterSettings } from '../../jobs/kubernetes/cluster-settings.ts';
import { jobManifest } from '../../jobs/kubernetes/job-manifest.ts';
import { podState } from '../../jobs/kubernetes/job-state.ts';
import { podsOfJob } from '../../jobs/kubernetes/pods-of-job.ts';
import type { Finding } from './examinations.ts';

const PROBE_MS = 120_000;
const LOOK_MS = 500;
const PROBE_BYTES = 64 * 2 ** 20;

/** The trainer's image. With `probe` it is run once, as a Job that gets what jobs get (account, volume, queue, node selector), which asks it for its version. */
export async function examineImage(
  api: ApiClient,
  settings: ClusterSettings,
  storePath: string,
  probe: boolean,
): Promise<Finding> {
  const { image } = settings;
  if (!probe)
    return { what: 'image', level: 'note', found: `${image}, not tried`, fix: '"lethe doctor --probe" runs it once' };
  const name = `lethe-doctor-${randomBytes(3).toString('hex')}`;
  await api.call({
    method: 'POST',
    path: pathOf(api, 'jobs'),
    body: probeManifest(name, api.namespace, settings, storePath),
  });
  try {
    return await judgeProbe(api, name, settings);
  } finally {
    const body = { propagationPolicy: 'Background' };
    await api.call({ method: 'DELETE', path: pathOf(api, 'jobs', name), body });
  }
}

function probeManifest(name: string, namespace: string, settings: ClusterSettings, storePath: string) {
  const spec: JobSpec = {
    format: 'lethe-job/1',
    name,
    // Of no store: whatever looks after the Jobs of one leaves this alone.
    storeId: '0'.repeat(32),
    key: '0'.repeat(64),
    attempt: 1,
    command: [...settings.trainer, '--version'],
    environment: {},
    attemptFolder: storePath,
    resources: { cores: 0.1, memoryBytes: PROBE_BYTES, gpus: 0 },
    annotations: {},
  };
  return jobManifest({ spec, namespace, settings, scale: settings.defaults, storePath });
}

async function judgeProbe(api: ApiClient, name: string, settings: ClusterSettings): Promise<Finding> {
  const { image } = settings;
  const fix = 'correct `image`, `imagePullSecrets` or what the words name, and ask again';
  let waits = 'no pod yet';
  for (const deadline = Date.now() + PROBE_MS; Date.now() < deadline; await sleep(LOOK_MS)) {
    const pod = (await podsOfJob(api, name)).at(-1);
    if (pod === undefined) waits = await refusalOf(api, name);
    else if (isOver(pod)) return judgeVersion(image, await logOf(api, pod), pod, fix);
    else {
      const state = podState(pod, { fits: false });
      if (state.state !== 'starting') continue;
      waits = state.reason;
      if (state.kind === 'image') break;
    }
  }
  return { what: 'image', level: 'bad', found: `${image} did not run: ${waits}`, fix };
}

function judgeVersion(image: string, log: string, pod: Pod, fix: string): Finding {
  const version = versionIn(log);
  if (version === undefined) {
    const code = pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode;
    return { what: 'image', level: 'bad', found: `${image} ended with ${code}: ${log.trim().slice(0, 200)}`, fix };
  }
  const where = pod.spec.nodeName === undefined ? '' : ` on ${pod.spec.nodeName}`;
  const found = `${image} runs${where}: trainer ${version.version}, numerics ${version.numerics}, ${version.cpu}`;
  if (version.numerics === NUMERICS_VERSION) return { what: 'image', level: 'good', found };
  const other = `use an image of this release: plans ask for numerics ${NUMERICS_VERSION}`;
  return { what: 'image', level: 'bad', found, fix: other };
}

function versionIn(log: string) {
  try {
    const said = JSON.parse(log) as { readonly version?: string; readonly numerics?: number; readonly cpu?: string };
    return typeof said.version === 'string' ? said : undefined;
  } catch {
    return undefined;
  }
}

function logOf(api: ApiClient, { metadata }: Pod): Promise<string> {
  const path = `${pathOf(api, 'pods', metadata.name)}/log`;
  return api.call<string>({ method: 'GET', path, query: { container: 'trainer' }, answer: 'text' });
}

/** A quota or an admission rule refuses pods, not Jobs. */
async function refusalOf(api: ApiClient, name: string): Promise<string> {
  const query = { fieldSelector: `involvedObject.name=${name}` };
  const { items } = await api.get<{ items: readonly ClusterEvent[] }>(pathOf(api, 'events'), query);
  return items.findLast(({ type }) => type === 'Warning')?.message ?? 'no pod yet';
}
