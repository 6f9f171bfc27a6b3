import { setTimeout as sleep } from 'node:timers/promises';
import { packTar, type TarEntry } from '../../http/tar/pack-tar.ts';
import { ApiRefused } from '../../jobs/kubernetes/api-client.ts';
import { pathOf } from '../../jobs/kubernetes/api-paths.ts';
import { conditionOf, isFinished, type Job, type Pod } from '../../jobs/kubernetes/cluster-objects.ts';
import { loadKubeConfig } from '../../jobs/kubernetes/connect-to-cluster.ts';
import { ForwardedHttp } from '../../jobs/kubernetes/forwarded-http.ts';
import { podsOfJob } from '../../jobs/kubernetes/pods-of-job.ts';
import { ForwardFailed, forwardToPod } from '../../jobs/kubernetes/port-forward.ts';
import type { RemoteWay } from '../access/remote-access.ts';
import { findWorkerPod } from '../access/worker-pod.ts';
import { BadInput } from '../exit-codes.ts';
import { intakeJob } from './intake-job.ts';
import { INTAKE_PORT } from './intake-port.ts';
import { type IntakeEvent, type IntakeRequest, REQUEST_FILE } from './intake-request.ts';

/** A file that is sent, by the name that it has in the request. */
export interface SentFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

export interface SendProgress {
  say(text: string): void;
  bytes(doing: string, done: number, total: number): void;
}

type Done = Extract<IntakeEvent, { readonly event: 'done' }>;

const START_MS = 300_000;
const LOOK_MS = 500;

/** Has a Job beside the store take something in, and removes the Job again. Throws `BadInput` with the Job's own sentence when it did not. */
export async function sendIntake(
  way: RemoteWay,
  request: IntakeRequest,
  files: readonly SentFile[],
  progress: SendProgress,
): Promise<Done> {
  const { api, remembered } = way;
  const worker = await findWorkerPod(api, remembered.claim);
  const job = await api
    .call<Job>({
      method: 'POST',
      path: pathOf(api, 'jobs'),
      body: intakeJob(worker, api.namespace, packageIndexFor(request)),
    })
    .catch((error: unknown) => {
      if (!(error instanceof ApiRefused)) throw error;
      throw new BadInput(`the cluster refuses the Job that takes it in: ${error.message}`);
    });
  const { name } = job.metadata;
  const remove = () =>
    api.call({ method: 'DELETE', path: pathOf(api, 'jobs', name), query: { propagationPolicy: 'Background' } });
  // Ctrl-C: otherwise the Job would wait for the rest of what it is sent.
  const interrupted = () => void remove().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    const pod = await whenListening(way, name, progress);
    progress.say(`${name} takes it in`);
    return await sendTo(pod, request, files, progress);
  } finally {
    process.off('SIGINT', interrupted);
    await remove().catch((error: unknown) => progress.say(`the Job ${name} is left: ${(error as Error).message}`));
  }
}

/** Of this user's environment, for a package alone. */
function packageIndexFor({ source, files }: IntakeRequest): string | undefined {
  const index = process.env.PIP_INDEX_URL || undefined;
  if (index === undefined || Object.keys(files).length > 0 || !source.startsWith('package:')) return undefined;
  const { username, password } = new URL(index);
  if (username !== '' || password !== '')
    throw new BadInput(
      "$PIP_INDEX_URL: expected an address without a login, which everybody who sees the Job would read; set it in the worker's container from a secret instead, and unset it here",
    );
  return index;
}

/** The service in the Job's pod, once it listens. Says why it waits. */
async function whenListening(way: RemoteWay, job: string, progress: SendProgress): Promise<ForwardedHttp> {
  const { api, remembered } = way;
  const config = await loadKubeConfig(remembered);
  let said = '';
  for (const deadline = Date.now() + START_MS; ; ) {
    const pod = (await podsOfJob(api, job)).at(-1);
    const state = pod?.status?.containerStatuses?.[0]?.state;
    if (pod !== undefined && state?.running !== undefined) {
      const open = () => forwardToPod(config, { namespace: api.namespace, pod: pod.metadata.name, port: INTAKE_PORT });
      const http = new ForwardedHttp(open);
      try {
        await http.json('/');
      } catch (error) {
        // It answers that there is nothing at this path: it listens.
        if (!(error instanceof ForwardFailed)) return http;
      }
    }
    const why = whyItWaits(pod);
    if (state?.terminated !== undefined || isFinished(await api.get<Job>(pathOf(api, 'jobs', job))))
      throw new BadInput(`the Job ${job} ended before it took anything: ${state?.terminated?.message ?? why}`);
    if (why !== said) progress.say(`waiting for ${job}: ${why}`);
    said = why;
    if (Date.now() > deadline) throw new BadInput(`the Job ${job} did not start within ${START_MS / 1000} s: ${why}`);
    await sleep(LOOK_MS);
  }
}

function whyItWaits(pod: Pod | undefined): string {
  if (pod === undefined) return 'it has no pod yet (quota, admission: "kubectl get events" says it)';
  const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
  if (waiting?.reason !== undefined) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined) return unscheduled.message ?? 'no place yet';
  return conditionOf(pod.status?.conditions, 'Ready') === undefined ? 'it starts' : 'it does not listen yet';
}

/** Sends a request and its files to an intake service and waits for its last word. Throws `BadInput` with its sentence when it took nothing. */
export async function sendTo(
  http: ForwardedHttp,
  request: IntakeRequest,
  files: readonly SentFile[],
  progress: SendProgress,
): Promise<Done> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  async function* body(): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const piece of packTar(entriesOf(request, files))) {
      yield piece;
      sent += piece.length;
      if (total > 0) progress.bytes('sending', Math.min(sent, total), total);
    }
  }
  let rest = '';
  for await (const piece of await http.stream('/intake', body())) {
    const lines = (rest + piece.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as IntakeEvent;
      if (event.event === 'done') return event;
      if (event.event === 'failed') throw new BadInput(event.sentence);
      if (event.event === 'say') progress.say(event.text);
      else progress.bytes('bringing in', event.done, event.total);
    }
  }
  throw new ForwardFailed('the Job that takes it in ended without a word; nothing was added, try again');
}

function* entriesOf(request: IntakeRequest, files: readonly SentFile[]): Generator<TarEntry> {
  const mtimeMs = Date.now();
  yield { name: REQUEST_FILE, mtimeMs, content: Buffer.from(JSON.stringify(request)) };
  for (const { name, path, bytes } of files) yield { name: `files/${name}`, mtimeMs, content: { path, bytes } };
}
