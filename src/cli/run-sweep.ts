import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { NoStore, Store } from '../artifacts/store.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import { bytes } from '../experiment/render-plan.ts';
import type { SweepSchedule } from '../experiment/sweep-control.ts';
import type { ClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { describeSweep, startAgain, startSweep } from '../temporal/sweep-client.ts';
import { cancelAndWait } from './cancel-sweep.ts';
import { type AskedPlace, placeJobs, requirePlace } from './cluster-of-store.ts';
import { confirm } from './confirm.ts';
import { awaitWorker, runningEmbeddedWorker } from './embedded-worker.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { everyResultIsThere, whenWhole } from './finished-sweep.ts';
import { followToTheEnd } from './follow-sweep.ts';
import { type LoadedSweep, loadSweep } from './load-sweep.ts';
import { comparePlans, describeDifference } from './plan-difference.ts';
import { leastMemory, priceOnMachine } from './price-on-machine.ts';
import { launchBinary, storeFolder, trainerBinary } from './project-folder.ts';
import { type Connection, connectStore, EMBEDDED, sweepLink } from './session.ts';
import { listSweeps, nameOf, readSweep, type StoredSweep } from './sweeps.ts';
import { tellSweepEnd } from './tell-sweep-end.ts';
import { formatDuration } from './terminal/duration.ts';
import { Output } from './terminal/output.ts';
import { textLengths } from './text-lengths.ts';

export interface RunOptions extends AskedPlace {
  readonly store?: string;
  readonly json?: boolean;
  readonly slots?: number;
  readonly detach?: boolean;
  readonly replace?: boolean;
  readonly yes?: boolean;
}

/** Building the workflows' bundle takes seconds, the first time after a change. */
const WORKER_READY_MS = 30_000;
const ASK_FROM_SECONDS = 3600;
/** Stages of one sweep under way in a cluster, queued ones included. */
const CLUSTER_PARALLEL = 64;

/** `lethe run`: the file becomes a plan, the plan a sweep; a plan that is under way or done is taken up where it is. */
export async function runSweep(file: string, options: RunOptions): Promise<ExitCode> {
  const output = new Output(options);
  const say = (text: string) => output.say(text);
  const loaded = await loadSweep(file, options.store);
  const there = await storeIfThere(storeFolder(options.store));
  const before = there === undefined ? [] : await listSweeps(there);
  if (there !== undefined && before.some(({ id }) => id === loaded.id)) {
    const whole = await whenWhole(there, await readSweep(there, loaded.id), output);
    if (whole !== undefined) return whole;
  }
  const cluster = await requirePlace(options, there);
  if (cluster === undefined) {
    await requireTrainer();
    await requireRoom(loaded, options);
  } else await requireFit(loaded, cluster, storeFolder(options.store));
  const store = there ?? (await Store.create(storeFolder(options.store), EMBEDDED));
  await placeJobs(store, options);
  await makeRoom(
    store,
    loaded,
    before.map(({ id }) => id),
    options.replace === true,
    say,
  );

  const folder = await SweepFolder.freeze(store, loaded.plan, loaded.planHash, loaded.text);
  await folder.saveExecution(loaded.sweep.execution);
  const sweep = await readSweep(store, loaded.id);
  const { runs, stages } = loaded.plan;
  say(`${loaded.id}: ${runs.length} runs, ${stages.length} stages`);

  const slots = options.slots === undefined ? {} : { slots: options.slots };
  const connection = await connectStore(store, { say });
  const ui = sweepLink(connection, sweep.id) ?? null;
  try {
    const settled = await start(store, sweep, connection, scheduleOf(loaded, options.slots, cluster !== undefined));
    if (settled !== undefined) return await tellSweepEnd({ store, sweep, output }, settled);
  } finally {
    await connection.close();
  }
  output.record({ event: 'started', sweep: sweep.id, planHash: sweep.planHash, ui });
  if (!options.detach) return followToTheEnd({ store, sweep, output, ...slots });

  await (await connectStore(store, { worker: true, say, ...slots })).close();
  const worker = runningEmbeddedWorker(store.path);
  if (worker !== undefined) await awaitWorker(store.path, worker, WORKER_READY_MS);
  output.record({ event: 'detached', sweep: sweep.id, planHash: sweep.planHash, ui });
  output.line(`${sweep.id} is under way. Follow it with: lethe watch ${sweep.id}`);
  return EXIT.done;
}

async function storeIfThere(folder: string): Promise<Store | undefined> {
  try {
    return await Store.open(folder);
  } catch (error) {
    if (error instanceof NoStore) return undefined;
    throw error;
  }
}

/** Starts the sweep where that is called for. Returns its end when it has settled: that changes only by `resume` and `retry`. */
async function start(store: Store, sweep: StoredSweep, connection: Connection, schedule: Partial<SweepSchedule>) {
  const reference = { storeId: store.id, sweepId: sweep.id, planHash: sweep.planHash, schedule };
  const { how } = await startSweep(connection, reference);
  if (how === 'settled') {
    const described = await describeSweep(connection, reference);
    return described.status === 'ended' ? described.end : undefined;
  }
  // Its history says whole, the store lost something since: finished stages cost nothing.
  if (how === 'completed' && !(await everyResultIsThere(store, sweep))) await startAgain(connection, reference);
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
  const connection = await connectStore(store, { say });
  try {
    for (const id of others) {
      const reference = { storeId: store.id, sweepId: id };
      if ((await describeSweep(connection, reference)).status !== 'running') continue;
      if (!replace) {
        const open = await readSweep(store, id);
        const difference = describeDifference(comparePlans(open.plan, loaded.plan));
        throw new BadInput(
          `another plan of this name is open, ${id}; nothing was created. Against it, ${loaded.path} changes:\n${difference.map((line) => `  ${line}`).join('\n')}\n` +
            `"lethe run ${loaded.path} --replace" cancels it first (what is finished is reused); "lethe watch ${id}" follows it.`,
        );
      }
      say(`cancelling ${id}: its jobs write their checkpoints`);
      await connectStore(store, { worker: true, say }).then((other) => other.close());
      await cancelAndWait(connection, reference);
    }
  } finally {
    await connection.close();
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
async function requireRoom(loaded: LoadedSweep, { store, slots, yes, json }: RunOptions): Promise<void> {
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
async function requireFit({ plan }: LoadedSweep, { memoryLimit }: ClusterSettings, store: string): Promise<void> {
  const lengths = await textLengths(plan, store);
  const refusals = plan.models.flatMap((model) => {
    const least = leastMemory(plan, model, lengths);
    if (least <= memoryLimit) return [];
    return [
      `  ${model.name} needs at least ${bytes(least)} to train one sequence at a time; a job may have ${bytes(memoryLimit)}`,
    ];
  });
  if (refusals.length > 0)
    throw new BadInput(`the cluster's settings do not hold it; nothing was created:\n${refusals.join('\n')}`);
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
