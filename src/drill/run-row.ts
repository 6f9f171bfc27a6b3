import { setTimeout as sleep } from 'node:timers/promises';
import { stageWorkflowId, sweepWorkflowId } from '../experiment/workflow-ids.ts';
import { ApiClient } from '../jobs/kubernetes/api-client.ts';
import { pathOf } from '../jobs/kubernetes/api-paths.ts';
import type { Job, Pod } from '../jobs/kubernetes/cluster-objects.ts';
import { parseClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { selectorOfStore } from '../jobs/kubernetes/names-and-labels.ts';
import { awaitSweep, retryStages, type SweepEnd, startSweep, sweepOverview } from '../temporal/sweep-client.ts';
import { DrillLauncher } from './drill-launcher.ts';
import type { DrillParts, WrittenSettings } from './drill-options.ts';
import type { DrillRow } from './drill-row.ts';
import type { DrillPlace } from './drill-store.ts';
import { CHECKPOINT_EVERY, type DrillSweep } from './drill-sweep.ts';
import type { Fault } from './fault.ts';
import { FAULT_BOOK } from './fault-book.ts';
import { judgeRow, type RunEnd } from './judge-row.ts';
import type { RowResult } from './row-result.ts';
import { startWorkerHere, WorkerProcess } from './row-worker.ts';
import { RowWorld } from './row-world.ts';
import type { StageTrace } from './stage-trace.ts';
import { TroubledWay } from './troubled-way.ts';

export interface Undisturbed extends RunEnd {
  readonly place: DrillPlace;
  readonly trace: StageTrace;
}

/** From the sweep's start to its end, whatever is done to it; and as much again as outages and a longer stage take. */
const ROW_MS = 300_000;
const OUTAGES = 3;
const GONE_MS = 60_000;
const POLL_SECONDS = 2;
const QUERY_MS = 5_000;

/** The sweep without a fault: what every row is compared with, and where its finished stage comes from. */
export async function runUndisturbed(parts: DrillParts, signal?: AbortSignal): Promise<Undisturbed> {
  const place = await parts.store.place('undisturbed');
  const end = await withRow(parts, place, {}, undefined, signal, ({ settled }) => settled);
  if (end.status !== 'completed')
    throw new Error(`the undisturbed run: expected it to complete, it ended as ${wordOf(end)}`);
  return { place, trace: await place.trace(), ...(await runEnd(place, parts.sweep, end)) };
}

/** Runs one row in a store of its own, and judges it. Rejects when the row itself could not be carried out. */
export async function runRow(
  parts: DrillParts,
  row: DrillRow,
  undisturbed: Undisturbed,
  signal?: AbortSignal,
): Promise<RowResult> {
  const fault: Fault = FAULT_BOOK[row.fault];
  const started = performance.now();
  const alone = fault.needs === 'small volume';
  const place = await parts.store.place(row.name, { after: undisturbed.place, alone });
  const { struckAtMs, parkedAs, attemptsWhenParked, end } = await withRow(
    parts,
    place,
    fault,
    row,
    signal,
    async ({ world, settled, again }) => {
      await Promise.all([fault.provoke?.(world), settled]);
      const first = await settled;
      const struckAtMs = world.struckAtMs;
      if (first.status !== 'settled') return { struckAtMs, parkedAs: undefined, attemptsWhenParked: 0, end: first };
      const attemptsWhenParked = (await place.evidence()).length;
      const overrides = await fault.mend?.(world);
      await retryStages(parts.lethe, referenceOf(place, parts.sweep), {
        selection: { kind: 'failed' },
        by: 'lethe drill',
        ...(overrides && { overrides }),
      });
      return { struckAtMs, parkedAs: first.outcome.parked[0]?.class, attemptsWhenParked, end: await again() };
    },
  );
  const { finding, misses } = judgeRow({
    row,
    trace: await place.trace(),
    evidence: await place.evidence(),
    parkedAs,
    attemptsWhenParked,
    struckAtMs,
    end: await runEnd(place, parts.sweep, end),
    undisturbed,
    checkpointEvery: fault.twist?.checkpointEvery ?? CHECKPOINT_EVERY,
  });
  const all =
    end.status === 'completed' ? misses : [`expected the sweep to complete, it ended as ${wordOf(end)}`, ...misses];
  const seconds = (performance.now() - started) / 1_000;
  return { row: row.name, status: all.length === 0 ? 'held' : 'missed', ...finding, misses: all, seconds };
}

interface RunningRow {
  readonly world: RowWorld;
  /** The sweep's end; rejects when it takes too long. */
  readonly settled: Promise<SweepEnd>;
  /** The end after it was started again. */
  readonly again: () => Promise<SweepEnd>;
}

/** Starts worker and sweep of a place, and takes away all that the cluster has of it afterwards. */
async function withRow<T>(
  parts: DrillParts,
  place: DrillPlace,
  fault: Fault,
  row: DrillRow | undefined,
  signal: AbortSignal | undefined,
  work: (row: RunningRow) => Promise<T>,
): Promise<T> {
  const { sweep, lethe, api, means } = parts;
  const anyNode = means === undefined || row?.lane === 'node';
  const written = settingsOf(parts.written, place, fault, anyNode ? undefined : means.otherNode);
  const settings = parseClusterSettings(written, 'the settings of a drill');
  const way = await TroubledWay.open(parts.connection);
  const twist = { ...fault.twist, ...(row?.lane === 'node' && means && { avoidNode: means.otherNode }) };
  const options = { api: new ApiClient(way.connection), settings, storeId: place.storeId, storePath: place.path };
  const launcher = new DrillLauncher(options, twist);
  const workerPlace = { place, temporal: lethe, settings };
  const over = new AbortController();
  const process = fault.needs === 'worker process' ? new WorkerProcess(workerPlace) : undefined;
  const { image } = settings;
  const world = new RowWorld({
    sweep,
    place,
    api,
    lethe,
    launcher,
    way,
    means,
    worker: process,
    image,
    signal: over.signal,
  });
  let worker: { stop(): Promise<void> } | undefined = process;
  try {
    await fault.prepare?.(world);
    if (process === undefined) worker = await startWorkerHere(workerPlace, launcher, fault.stallMs);
    else await process.start(written);
    const reference = referenceOf(place, sweep);
    await startSweep(lethe, reference);
    const awaitEnd = () =>
      within(ROW_MS + OUTAGES * sweep.outageMs, awaitSweep(lethe, reference), 'the end of its sweep', signal).catch(
        async (error: Error) => {
          throw new Error(`${error.message}; ${await standing(parts, place)}`);
        },
      );
    const settled = awaitEnd();
    settled.catch(() => undefined).finally(() => over.abort());
    return await work({ world, settled, again: awaitEnd });
  } finally {
    over.abort();
    way.set('none');
    await worker?.stop().catch(() => undefined);
    launcher.close();
    await way.close();
    await place.mend().catch(() => undefined);
    await removeObjects(api, place.storeId);
    await forgetWorkflows(parts, place);
  }
}

/** The settings of one place: its folder of the volume, what its fault asks for, and the node that it is kept to. */
function settingsOf(
  written: WrittenSettings,
  place: DrillPlace,
  fault: Fault,
  node: string | undefined,
): WrittenSettings {
  const pinned = node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } };
  return {
    ...written,
    pollSeconds: POLL_SECONDS,
    ...fault.settings,
    store: { ...written.store, ...(place.subPath === '' ? {} : { subPath: place.subPath }) },
    defaults: { ...written.defaults, ...pinned },
  };
}

function referenceOf(place: DrillPlace, { id, planHash }: DrillSweep) {
  const schedule = { parallel: 1, canary: 'off', order: 'as-listed' } as const;
  return { storeId: place.storeId, sweepId: id, planHash, schedule };
}

async function runEnd(place: DrillPlace, { plan }: DrillSweep, end: SweepEnd): Promise<RunEnd> {
  const outcome = 'outcome' in end ? end.outcome : undefined;
  return {
    statisticsDigest: outcome?.statisticsDigest,
    scores: await place.scores(),
    finishedStages: await place.finishedStages(),
    stages: plan.stages.length,
    reused: outcome?.jobsReused ?? 0,
  };
}

function wordOf(end: SweepEnd): string {
  if (!('outcome' in end)) return `${end.status}: ${end.reason}`;
  const parked = end.outcome.parked.map(
    ({ label, class: failure, rule, sentence }) => `${label} ${failure} (${rule}): ${sentence}`,
  );
  return [end.status, ...parked].join('; ');
}

/** Jobs and what is left of their pods. Who may not delete pods made none that outlive their Job. */
async function removeObjects(api: ApiClient, storeId: string): Promise<void> {
  const jobs = pathOf(api, 'jobs');
  const pods = pathOf(api, 'pods');
  const ours = { labelSelector: selectorOfStore(storeId) };
  const namesOf = async (path: string) =>
    (await api.get<{ items: (Job | Pod)[] }>(path, ours)).items.map(({ metadata }) => metadata);
  for (const deadline = Date.now() + GONE_MS; ; await sleep(250)) {
    const [left, alive] = [await namesOf(jobs), await namesOf(pods)];
    if (left.length + alive.length === 0) return;
    for (const { name, deletionTimestamp } of left)
      if (deletionTimestamp === undefined) await remove(api, `${jobs}/${name}`, { propagationPolicy: 'Background' });
    if (left.length === 0)
      for (const { name } of alive) await remove(api, `${pods}/${name}`, { gracePeriodSeconds: 0 });
    if (Date.now() > deadline)
      throw new Error(
        `expected Jobs and pods of a row to go within ${GONE_MS / 1_000} s: ${[...left, ...alive].map(({ name }) => name)} are there`,
      );
  }
}

/** Gone meanwhile, or not ours to delete: the next look tells. */
async function remove(api: ApiClient, path: string, body: object): Promise<void> {
  await api.call({ method: 'DELETE', path, body }).catch(() => undefined);
}

/** Where a sweep stands that did not end, for whoever has to find out why. */
async function standing({ lethe, sweep }: DrillParts, place: DrillPlace): Promise<string> {
  const { attempts, writers, done } = await place.trace();
  const reference = referenceOf(place, sweep);
  const overview = within(QUERY_MS, sweepOverview(lethe, reference), 'an answer').catch(
    (error: Error) => error.message,
  );
  const files = {
    done,
    attempts: attempts.map(({ over }) => (over ? 'over' : 'open')),
    codes: writers.map(({ code }) => code),
  };
  return `its files say ${JSON.stringify(files)}, its workflow ${JSON.stringify(await overview)}`;
}

/** Histories are of no use once the row is judged. A server that keeps them all the same does no harm. */
async function forgetWorkflows(
  { lethe, sweep, keepHistories = false }: DrillParts,
  { storeId }: DrillPlace,
): Promise<void> {
  if (keepHistories) return;
  const ids = [
    sweepWorkflowId(storeId, sweep.id),
    ...sweep.plan.stages.map((stage) => stageWorkflowId(storeId, stage)),
  ];
  const { client, namespace } = lethe;
  for (const workflowId of ids) {
    const workflowExecution = { workflowId };
    await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }).catch(() => undefined);
  }
}

async function within<T>(ms: number, promise: Promise<T>, what: string, stop?: AbortSignal): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, ...(stop === undefined ? [] : [stop])]);
  const late = sleep(ms, undefined, { signal }).then(
    () => Promise.reject(new Error(`expected ${what} within ${ms / 1_000} s`)),
    () => Promise.reject(new Error(`stopped while waiting for ${what}`)),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
