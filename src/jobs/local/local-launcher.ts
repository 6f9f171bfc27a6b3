import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLaunched } from '../../artifacts/attempt-folder.ts';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { isLocal, type LaunchedLocally } from '../../artifacts/launched.ts';
import { BadFile } from '../../artifacts/read-json.ts';
import { statOf } from '../../artifacts/small-files.ts';
import { digestOf } from '../../experiment/canonical-json.ts';
import { messageOf } from '../../experiment/message-of.ts';
import {
  type JobLauncher,
  JobNameTaken,
  type JobObservation,
  LauncherUnreachable,
  type PlatformEvidence,
} from '../job-launcher.ts';
import { pause } from '../latch.ts';
import type { Claim } from './admission.ts';
import type { ChildJob } from './child-job.ts';
import { JobTable, type TableEntry } from './job-table.ts';
import { hasLastWord, localEvidence } from './local-evidence.ts';
import { type Machine, thisMachine } from './machine.ts';
import { Nursery } from './nursery.ts';
import { defaultStateFolder } from './table-file.ts';
import { Turnstile } from './turnstile.ts';

export interface LocalLauncherOptions {
  /** `lethe-launch` (and whatever must come before its own arguments). */
  readonly launchBinary: readonly string[];
  /** Jobs at once, whatever they take; cores and memory decide when absent. */
  readonly slots?: number;
  /** Folder of the table that all workers of this user share; default `$XDG_STATE_HOME/lethe`. */
  readonly stateFolder?: string;
  readonly machine?: Machine;
}

/** A job that another worker started is looked at in growing steps. */
const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 250;
/** A job that was just started is looked at once more so soon, so that it does not show as starting for long. */
const STARTED_NOTICE_MS = 100;
const REMEMBERED_CHILDREN = 1_000;

/**
 * Jobs as processes of this machine. A job is in one of these places, and any worker of the store finds it there: queued in the table → running in the
 * table without launched.json (being spawned) → launched.json with a living process → the process is gone.
 * The job itself links launched.json as its first act, so two workers that spawn the same job start it once: the loser's process ends with code 0.
 */
export class LocalLauncher implements JobLauncher {
  readonly kind = 'local';
  private readonly slots: number | undefined;
  private readonly machine: Machine;
  private readonly table: JobTable;
  private readonly turnstile: Turnstile;
  private readonly nursery: Nursery;
  /** Jobs that this worker started; the newest of those that ended are kept for their exit code. */
  private readonly children = new Map<string, ChildJob>();
  /** Started, and not yet looked at since. */
  private readonly justStarted = new Set<string>();
  /** Living jobs of other workers that are known to have their row. */
  private readonly adopted = new Set<string>();

  private readonly entries = new WeakMap<JobSpec, TableEntry>();

  constructor(options: LocalLauncherOptions) {
    this.slots = options.slots;
    this.machine = options.machine ?? thisMachine();
    this.table = new JobTable(options.stateFolder ?? defaultStateFolder(), this.machine);
    this.nursery = new Nursery(options.launchBinary);
    this.turnstile = new Turnstile(this.table, (spec) => this.start(spec));
  }

  async launch(spec: JobSpec): Promise<void> {
    if ((await this.launchedOf(spec)) !== undefined || isStopped(spec)) return;
    if (spec.manifest !== undefined) {
      // Its command is of an image, and its Job may have been made though nobody could record it.
      throw new JobNameTaken(
        `${spec.attemptFolder}: expected an attempt of local processes, got one made for a cluster: "lethe retry" begins another here`,
      );
    }
    if (this.ask(() => this.table.enqueue(this.entryOf(spec)))) return;
    throw new JobNameTaken(
      `job ${spec.name}: expected the one of ${spec.attemptFolder}, got another job of that name on this machine`,
    );
  }

  async observe(spec: JobSpec): Promise<JobObservation> {
    // The child first: once it has ended, its launched.json is there or will never be.
    const child = this.children.get(spec.name);
    const childEnded = isOver(child);
    const launched = await this.launchedOf(spec);
    if (launched !== undefined) return this.ask(() => this.observeProcess(spec, launched));
    if (childEnded) return { state: 'ended' };
    if (child !== undefined)
      return { state: 'starting', reason: `process ${child.pid ?? ''} has not recorded itself yet` };
    if (this.ask(() => this.table.state(spec.name)) === 'running') {
      return { state: 'starting', reason: 'another worker is starting it' };
    }
    if (isStopped(spec)) return { state: 'ended' };
    return { state: 'queued', reason: this.turnstile.reason(spec.name) ?? 'waits for its turn on this machine' };
  }

  async waitForChange(spec: JobSpec, maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    const child = this.children.get(spec.name);
    if (child !== undefined) {
      const ms = this.justStarted.delete(spec.name) ? Math.min(STARTED_NOTICE_MS, maxWaitMs) : maxWaitMs;
      await child.ended.wait(ms, signal);
      return;
    }
    const launched = await this.launchedOf(spec);
    if (launched !== undefined) return this.waitForDeath(launched, maxWaitMs, signal);
    if (isStopped(spec)) return;
    await this.turnstile.pass(spec, this.entryOf(spec), maxWaitMs, signal).catch((error) => {
      throw unreachable(error);
    });
  }

  async cancel(spec: JobSpec, graceMs: number): Promise<void> {
    if (this.ask(() => this.table.withdraw(spec.name))) this.turnstile.wake(spec.name);
    const killAt = performance.now() + graceMs;
    let sent: 'nothing' | 'SIGTERM' | 'SIGKILL' = 'nothing';
    for (let step = FIRST_POLL_MS; ; step = Math.min(2 * step, LONGEST_POLL_MS)) {
      const target = await this.processOf(spec);
      if (target === undefined && this.ask(() => this.table.state(spec.name)) === undefined) return;
      if (target !== undefined && sent === 'nothing') {
        this.signalGroup(target, 'SIGTERM');
        // A process that somebody stopped hears nothing until it goes on; woken, it still writes its checkpoint.
        this.signalGroup(target, 'SIGCONT');
        sent = 'SIGTERM';
      }
      if (target !== undefined && sent === 'SIGTERM' && performance.now() >= killAt) {
        this.signalGroup(target, 'SIGKILL');
        sent = 'SIGKILL';
      }
      const ms = sent === 'SIGTERM' ? Math.min(step, Math.max(1, killAt - performance.now())) : step;
      const child = this.children.get(spec.name);
      await (child !== undefined && child.ended.value === undefined ? child.ended.wait(ms) : pause(ms));
    }
  }

  async platformEvidence(spec: JobSpec): Promise<PlatformEvidence> {
    const child = this.children.get(spec.name);
    const launched = await this.launchedOf(spec);
    const isChild = child !== undefined && (launched === undefined || launched.pid === child.pid);
    // A zombie is seen as dead before its parent has heard of it.
    const exit = isChild ? ((await child.ended.wait(LONGEST_POLL_MS)) ?? undefined) : undefined;
    return this.ask(() => localEvidence(spec, launched, exit, this.machine));
  }

  /** All jobs of this user on this machine, for `status` and `doctor`. */
  jobs(): { running: Claim[]; queued: Claim[] } {
    return this.ask(() => this.table.list());
  }

  /**
   * Lets go of everything; jobs run on. What was admitted and has perhaps not been started is given back, because a worker that has let go may live on: whoever
   * asks next starts it, and of two that start launched.json lets one run.
   */
  close(): void {
    this.turnstile.close();
    this.nursery.close();
    const begun = ({ started, ended }: ChildJob) => started.value !== undefined || ended.value !== undefined;
    const unsure = [...this.children].filter(([, child]) => !begun(child));
    try {
      for (const [name] of unsure) this.table.release(name);
    } catch {
      // Their rows end with this process.
    }
    this.table.close();
  }

  private start(spec: JobSpec): void {
    const child = this.nursery.start(spec);
    this.children.set(spec.name, child);
    this.justStarted.add(spec.name);
    void child.started.wait(Number.POSITIVE_INFINITY).then(() => this.record(spec, child));
    void child.ended.wait(Number.POSITIVE_INFINITY).then(() => this.childEnded(spec, child));
  }

  /** Without it the row counts for as long as this worker lives, so a table that cannot be asked now does no harm. */
  private record(spec: JobSpec, child: ChildJob): void {
    const { pid, startTime } = child.started.value ?? {};
    if (pid === undefined || startTime === undefined || child.ended.value !== undefined) return;
    try {
      this.table.started(spec.name, pid, startTime);
    } catch {
      this.adopted.delete(spec.name);
    }
  }

  private async childEnded(spec: JobSpec, child: ChildJob): Promise<void> {
    if (child.ended.value === null) {
      // Its row stays while its process lives; one that may never have begun goes back into the queue, and launched.json decides.
      if (child.pid === undefined) this.turnstile.leave(spec.name);
      this.forget(spec, child);
      return;
    }
    this.turnstile.leave(spec.name);
    this.forgetOldChildren();
    const launched = await this.launchedOf(spec).catch(() => undefined);
    if (launched !== undefined && launched.pid !== child.pid) this.forget(spec, child);
  }

  private forget(spec: JobSpec, child: ChildJob): void {
    if (this.children.get(spec.name) === child) this.children.delete(spec.name);
  }

  private observeProcess(spec: JobSpec, launched: LaunchedLocally): JobObservation {
    const { pid, startTime, launchedAt } = launched;
    if (launched.bootId !== this.machine.bootId) {
      if (hasLastWord(spec, launched)) return { state: 'ended' };
      return { state: 'lost', reason: `the machine was started again while process ${pid} ran` };
    }
    if (this.machine.startTime(pid) !== startTime) {
      this.adopted.delete(spec.name);
      return { state: 'ended' };
    }
    if (this.children.get(spec.name)?.pid !== pid && !this.adopted.has(spec.name)) {
      this.table.adopt(this.entryOf(spec), pid, startTime);
      this.adopted.add(spec.name);
    }
    return { state: 'running', startedAt: launchedAt, where: `process ${pid}` };
  }

  private async waitForDeath(launched: LaunchedLocally, maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + maxWaitMs;
    for (
      let step = FIRST_POLL_MS;
      this.ask(() => this.isAlive(launched));
      step = Math.min(1.5 * step, LONGEST_POLL_MS)
    ) {
      const left = until - performance.now();
      if (left <= 0 || signal?.aborted) return;
      await pause(Math.min(step, left), signal);
    }
  }

  /** The living process of a job, as it is recorded; the process being spawned when it has not recorded itself yet. */
  private async processOf(spec: JobSpec): Promise<{ pid: number; startTime: number } | undefined> {
    const launched = await this.launchedOf(spec);
    if (launched !== undefined) return this.ask(() => (this.isAlive(launched) ? launched : undefined));
    const { started, ended } = this.children.get(spec.name) ?? {};
    const { pid, startTime } = started?.value ?? {};
    if (pid === undefined || startTime === undefined || ended?.value !== undefined) return undefined;
    return { pid, startTime };
  }

  private isAlive({ pid, startTime, bootId }: LaunchedLocally): boolean {
    return bootId === this.machine.bootId && this.machine.startTime(pid) === startTime;
  }

  /** A job leads its own process group. The start time is looked at right before, because pids are used again. */
  private signalGroup({ pid, startTime }: { pid: number; startTime: number }, signal: NodeJS.Signals): void {
    if (this.ask(() => this.machine.startTime(pid)) !== startTime) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw unreachable(error);
    }
  }

  private async launchedOf(spec: JobSpec): Promise<LaunchedLocally | undefined> {
    try {
      const launched = await readLaunched(spec.attemptFolder);
      // job.json was published here before the launch: without the folder the store is not there, and its silence means nothing.
      if (launched === undefined && (await statOf(spec.attemptFolder)) === undefined) {
        throw new LauncherUnreachable(
          `${spec.attemptFolder}: expected the folder of a launched attempt, got nothing; is the store there?`,
        );
      }
      if (launched === undefined || isLocal(launched)) return launched;
    } catch (error) {
      throw error instanceof BadFile ? error : unreachable(error);
    }
    throw new JobNameTaken(
      `${spec.attemptFolder}/launched.json: expected a process of this machine, got a job of a cluster`,
    );
  }

  private entryOf(spec: JobSpec): TableEntry {
    const { name, attemptFolder, resources } = spec;
    const entry = this.entries.get(spec) ?? {
      name,
      attemptFolder,
      ...resources,
      slots: this.slots,
      digest: digestOf(spec),
    };
    this.entries.set(spec, entry);
    return entry;
  }

  private forgetOldChildren(): void {
    let extra = this.children.size - REMEMBERED_CHILDREN;
    for (const [name, { ended }] of this.children) {
      if (extra <= 0) return;
      if (ended.value === undefined) continue;
      this.children.delete(name);
      extra -= 1;
    }
  }

  private ask<T>(question: () => T): T {
    try {
      return question();
    } catch (error) {
      throw unreachable(error);
    }
  }
}

/** True when the parent has heard of the end. */
function isOver(child: ChildJob | undefined): boolean {
  return child?.ended.value !== undefined && child.ended.value !== null;
}

function isStopped(spec: JobSpec): boolean {
  return existsSync(join(spec.attemptFolder, 'stop.json'));
}

function unreachable(error: unknown): Error {
  if (error instanceof LauncherUnreachable) return error;
  const came = messageOf(error);
  return new LauncherUnreachable(`this machine's jobs cannot be seen: ${came}`, { cause: error });
}
