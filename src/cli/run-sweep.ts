import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Store } from '../artifacts/store.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { SweepSchedule } from '../experiment/sweep-control.ts';
import type { ClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { describeSweep, startAgain, startSweep } from '../temporal/sweep-client.ts';
import { reachStore } from './access/reach-store.ts';
import type { StoreAccess } from './access/store-access.ts';
import { cancelAndWait } from './cancel-sweep.ts';
import { CLUSTER_PARALLEL } from './cluster-of-store.ts';
import type { StoreOptions } from './command.ts';
import { confirm } from './confirm.ts';
import { awaitWorker, runningEmbeddedWorker } from './embedded-worker.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { everyResultIsThere, whenWhole } from './finished-sweep.ts';
import { followToTheEnd } from './follow-sweep.ts';
import { idleDevices } from './idle-devices.ts';
import { type LoadedSweep, loadSweep } from './load-sweep.ts';
import { comparePlans, describeDifference } from './plan-difference.ts';
import { memoryRefusalsInCluster, priceInCluster, priceOnMachine } from './price-on-machine.ts';
import { launchBinary, trainerBinary } from './project-folder.ts';
import { type Connection, sweepLink } from './session.ts';
import { tellSweepEnd } from './tell-sweep-end.ts';
import { formatDuration } from './terminal/duration.ts';
import { Output } from './terminal/output.ts';
import { withLiveProcesses } from './with-live-processes.ts';

export interface RunOptions extends StoreOptions {
  readonly slots?: number;
  readonly detach?: boolean;
  readonly replace?: boolean;
  readonly yes?: boolean;
}

/** Building the workflows' bundle takes seconds, the first time after a change. */
const WORKER_READY_MS = 30_000;
const ASK_FROM_SECONDS = 3600;

/** `lethe run`: the file becomes a plan, the plan a sweep; a plan that is under way or done is taken up where it is. */
export async function runSweep(file: string, options: RunOptions): Promise<ExitCode> {
  const output = new Output(options);
  const say = (text: string) => output.say(text);
  const access = await reachStore(options, say);
  const loaded = await loadSweep(file, access);
  const there = await access.openIfThere();
  const before = there === undefined ? [] : await listSweeps(there);
  if (there !== undefined && before.some(({ id }) => id === loaded.id)) {
    const whole = await whenWhole(access, await readSweep(there, loaded.id), output);
    if (whole !== undefined) return whole;
  }
  const cluster = await access.cluster(options);
  if (cluster !== undefined) {
    await requireFit(loaded, cluster, access);
    const idle = idleDevices(loaded, cluster);
    if (idle !== undefined) say(idle);
  } else if (!access.remote) {
    await requireTrainer();
    await requireRoom(loaded, access, options);
  }
  const store = await access.openOrCreate();
  await access.placeJobs(options);
  await makeRoom(
    store,
    loaded,
    before.map(({ id }) => id),
    options.replace === true,
    say,
  );

  await access.freeze(loaded);
  const sweep = await readSweep(store, loaded.id);
  const { runs, stages } = loaded.plan;
  say(`${loaded.id}: ${runs.length} runs, ${stages.length} stages`);

  const slots = options.slots === undefined ? {} : { slots: options.slots };
  const schedule = scheduleOf(loaded, options.slots, cluster !== undefined);
  const { ui, settled } = await withLiveProcesses(store, { say, worker: false }, async (connection) => ({
    ui: sweepLink(connection, sweep.id) ?? null,
    settled: await start(access, store, sweep, connection, schedule),
  }));
  if (settled !== undefined) return tellSweepEnd({ access, store, sweep, output }, settled);
  output.record({ event: 'started', sweep: sweep.id, planHash: sweep.planHash, ui });
  if (!options.detach) return followToTheEnd({ access, store, sweep, output, ...slots });

  await withLiveProcesses(store, { say, worker: true, ...slots }, async () => {});
  const worker = runningEmbeddedWorker(store.path);
  if (worker !== undefined) await awaitWorker(store.path, worker, WORKER_READY_MS);
  output.record({ event: 'detached', sweep: sweep.id, planHash: sweep.planHash, ui });
  output.line(`${sweep.id} is under way. Follow it with: lethe watch ${sweep.id}`);
  return EXIT.done;
}

/** Starts the sweep where that is called for. Returns its end when it has settled: that changes only by `resume` and `retry`. */
async function start(
  access: StoreAccess,
  store: Store,
  sweep: StoredSweep,
  connection: Connection,
  schedule: Partial<SweepSchedule>,
) {
  const reference = { storeId: store.id, sweepId: sweep.id, planHash: sweep.planHash, schedule };
  const { how } = await startSweep(connection, reference);
  if (how === 'settled') {
    const described = await describeSweep(connection, reference);
    return described.status === 'ended' ? described.end : undefined;
  }
  // Its history says whole, the store lost something since: finished stages cost nothing.
  if (how === 'completed' && !(await everyResultIsThere(access, sweep))) await startAgain(connection, reference);
  return undefined;
}

/** One open plan a name: two would share a folder name, a report and a person's idea of "the sweep". */
async function makeRoom(
  store: Store,
  loaded: LoadedSweep,
  ids: readonly string[],
  replace: boolean,
  say: (text: string) => void,
): Promise<void> {
  const others = ids.filter((id) => id !== loaded.id && nameOf(id) === loaded.plan.name);
  if (others.length === 0) return;
  for (const id of others) {
    const reference = { storeId: store.id, sweepId: id };
    const { status } = await withLiveProcesses(store, { say, worker: false }, (connection) =>
      describeSweep(connection, reference),
    );
    if (status !== 'running') continue;
    if (!replace) {
      const open = await readSweep(store, id);
      const difference = describeDifference(comparePlans(open.plan, loaded.plan));
      throw new BadInput(
        `another plan of this name is open, ${id}; nothing was created. Against it, ${loaded.path} changes:\n${difference.map((line) => `  ${line}`).join('\n')}\n` +
          `"lethe run ${loaded.path} --replace" cancels it first (what is finished is reused); "lethe watch ${id}" follows it.`,
      );
    }
    say(`cancelling ${id}: its jobs write their checkpoints`);
    await withLiveProcesses(store, { say, worker: true }, (connection) => cancelAndWait(connection, reference));
  }
}

/** Without it every job would fail the same way, one after the other. */
async function requireTrainer(): Promise<void> {
  for (const binary of [trainerBinary, launchBinary]) {
    await access(binary, constants.X_OK).catch(() => {
      throw new BadInput(
        `expected the native build at ${binary}, there is none; nothing was created. Run: npm run setup`,
      );
    });
  }
}

/** What cannot fit is refused; what takes long is asked about, when somebody is there to ask. */
async function requireRoom(loaded: LoadedSweep, store: StoreAccess, { slots, yes, json }: RunOptions): Promise<void> {
  const { priced, refusals } = await priceOnMachine(loaded, store, slots);
  if (refusals.length > 0)
    throw new BadInput(
      `this machine cannot run it; nothing was created:\n${refusals.map((each) => `  ${each}`).join('\n')}`,
    );
  const { leastSeconds, seconds } = priced.total;
  if (yes || json || leastSeconds < ASK_FROM_SECONDS) return;
  const band = `${formatDuration(leastSeconds)} to ${formatDuration(seconds)}`;
  if (!(await confirm(`${loaded.id} takes about ${band} on this machine. Start it?`)))
    throw new BadInput('not started; nothing was created');
}

/** What no job of the cluster may have is refused; how long it takes there is not known here. */
async function requireFit(loaded: LoadedSweep, settings: ClusterSettings, store: StoreAccess): Promise<void> {
  const refusals = store.remote
    ? (await priceInCluster(loaded, store, settings, CLUSTER_PARALLEL)).refusals
    : memoryRefusalsInCluster(loaded.plan, settings, await store.textLengths(loaded.plan));
  if (refusals.length > 0)
    throw new BadInput(
      `the cluster does not hold it; nothing was created:\n${refusals.map((each) => `  ${each}`).join('\n')}`,
    );
}

/** In a cluster the queue is elsewhere, and a mistake costs more: more at once, and one first. */
function scheduleOf(
  { sweep: { execution } }: LoadedSweep,
  slots: number | undefined,
  inCluster: boolean,
): Partial<SweepSchedule> {
  return {
    parallel: execution.parallel ?? (inCluster ? CLUSTER_PARALLEL : (slots ?? availableParallelism()) + 2),
    canary: execution.canary ?? (inCluster ? 'checkpoint' : 'off'),
  };
}
