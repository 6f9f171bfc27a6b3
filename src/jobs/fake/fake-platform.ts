import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLaunched } from '../../artifacts/attempt-folder.ts';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import type { LaunchedInCluster } from '../../artifacts/launched.ts';
import { publishJson } from '../../artifacts/read-json.ts';
import { launchedSchema } from '../../artifacts/schemas.ts';
import { digestOf } from '../../experiment/canonical-json.ts';
import type { PlatformEvidence } from '../job-launcher.ts';
import { Latch, pause } from '../latch.ts';
import type { FakeBehaviour } from './fake-behaviour.ts';
import { FakeTrainer } from './fake-trainer.ts';

export interface FakeJob {
  readonly spec: JobSpec;
  readonly digest: string;
  state: 'queued' | 'starting' | 'running' | 'ended';
  startedAt: string;
  readonly startingKind: FakeBehaviour['startingKind'];
  evidence: PlatformEvidence;
  /** Opened at each change of state, and then replaced. */
  changed: Latch<true>;
  readonly stop: AbortController;
  readonly kill: AbortController;
}

/** A platform in memory, which outlives its launchers as a cluster outlives its clients: jobs run here, `FakeLauncher` only asks. */
export class FakePlatform {
  /** While true nothing can be asked, and the jobs run on. */
  unreachable = false;
  /** Jobs that run at once; the rest is queued. */
  readonly slots: number;
  private readonly behave: (spec: JobSpec) => FakeBehaviour;
  private readonly jobs = new Map<string, FakeJob>();
  private readonly started = new Map<string, number>();
  private readonly queue: (() => void)[] = [];
  private readonly runs = new Set<Promise<void>>();
  private running = 0;

  constructor(behave: (spec: JobSpec) => FakeBehaviour, slots = Number.POSITIVE_INFINITY) {
    this.behave = behave;
    this.slots = slots;
  }

  find(name: string): FakeJob | undefined {
    return this.jobs.get(name);
  }

  /** How often a job's program was started: never more than once an attempt. */
  starts(name: string): number {
    return this.started.get(name) ?? 0;
  }

  create(spec: JobSpec): void {
    const behaviour = this.behave(spec);
    const job: FakeJob = {
      spec,
      digest: digestOf(spec),
      state: 'queued',
      startedAt: '',
      startingKind: behaviour.startingKind,
      evidence: { outOfMemory: false, preempted: false, events: [] },
      changed: new Latch(),
      stop: new AbortController(),
      kill: new AbortController(),
    };
    this.jobs.set(spec.name, job);
    const run = this.run(job, behaviour).catch((error: unknown) => {
      job.evidence = { ...job.evidence, exitCode: 70, events: [`the fake job failed: ${error}`] };
      this.enter(job, 'ended');
    });
    this.runs.add(run);
    void run.then(() => this.runs.delete(run));
  }

  /** Loses every job that has started, as a machine does that is started again. */
  reboot(): void {
    for (const [name, job] of this.jobs) {
      if (job.state !== 'running') continue;
      job.kill.abort();
      this.jobs.delete(name);
    }
  }

  /** Kills a running job from outside: nobody of ours asked for it. */
  kill(name: string): void {
    this.jobs.get(name)?.kill.abort();
  }

  /** Ends every job and waits until none writes any more. */
  async shutDown(): Promise<void> {
    for (const job of this.jobs.values()) {
      job.stop.abort();
      job.kill.abort();
    }
    await Promise.all(this.runs);
  }

  private async run(job: FakeJob, behaviour: FakeBehaviour): Promise<void> {
    await this.takeSlot(job);
    try {
      await pause(behaviour.queuedMs ?? 0, job.stop.signal);
      if (job.stop.signal.aborted) return;
      this.enter(job, 'starting');
      await pause(behaviour.startingMs ?? 0, job.stop.signal);
      if (job.stop.signal.aborted) return;
      const launched: LaunchedInCluster = {
        format: 'lethe-launched/1',
        jobUid: `fake-${job.spec.name}`,
        launchedAt: new Date().toISOString(),
      };
      const { won } = await publishJson(join(job.spec.attemptFolder, 'launched.json'), launched, launchedSchema);
      if (!won) return;
      this.started.set(job.spec.name, this.starts(job.spec.name) + 1);
      job.startedAt = launched.launchedAt;
      this.enter(job, 'running');
      await this.work(job, behaviour);
    } finally {
      this.leaveSlot();
      this.enter(job, 'ended');
    }
  }

  private async work(job: FakeJob, behaviour: FakeBehaviour): Promise<void> {
    const trainer = new FakeTrainer(job.spec.attemptFolder, 'fake-writer');
    await trainer.begin();
    if (behaviour.checkpointStep !== undefined) await trainer.checkpoint(behaviour.checkpointStep);
    const ends = behaviour.onStop === 'ignore' ? job.kill.signal : AbortSignal.any([job.stop.signal, job.kill.signal]);
    const { end } = behaviour;
    // A job without an end waits for its stop; timers cannot be set for longer than 24 days.
    await pause(end?.afterMs ?? 2 ** 31 - 1, ends);
    if (job.kill.signal.aborted) {
      job.evidence = { ...job.evidence, signal: 'SIGKILL' };
    } else if (ends.aborted) {
      const step = behaviour.checkpointStep ?? 0;
      await trainer.end({ code: 75, sentence: `stopped after the checkpoint of step ${step}`, step });
      job.evidence = { ...job.evidence, exitCode: 75 };
    } else if (end?.kind === 'exit') {
      const outcome = end.code === 0 ? await trainer.finish() : undefined;
      const said = {
        code: end.code,
        sentence: end.sentence ?? `ended with code ${end.code}`,
        step: behaviour.checkpointStep ?? 0,
      };
      await trainer.end(outcome ?? said);
      job.evidence = { ...job.evidence, exitCode: outcome?.code ?? end.code };
    } else if (end?.kind === 'die') {
      job.evidence = { ...job.evidence, signal: end.signal, outOfMemory: end.outOfMemory === true };
    } else {
      this.jobs.delete(job.spec.name);
    }
  }

  private enter(job: FakeJob, state: FakeJob['state']): void {
    job.state = state;
    const { changed } = job;
    job.changed = new Latch();
    changed.open(true);
  }

  private async takeSlot(job: FakeJob): Promise<void> {
    if (this.running < this.slots) {
      this.running += 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.queue.push(resolve);
      // A withdrawn job gives its turn on when it comes.
      job.stop.signal.addEventListener('abort', () => {
        const at = this.queue.indexOf(resolve);
        if (at === -1) return;
        this.queue.splice(at, 1);
        this.running += 1;
        resolve();
      });
    });
  }

  /** The slot goes from hand to hand: the count changes only when nobody waits. */
  private leaveSlot(): void {
    const next = this.queue.shift();
    if (next !== undefined) next();
    else this.running -= 1;
  }
}

/** True when the store says that the job was started once. */
export async function wasLaunched(spec: JobSpec): Promise<boolean> {
  return (await readLaunched(spec.attemptFolder)) !== undefined;
}

export function wasStopped(spec: JobSpec): boolean {
  return existsSync(join(spec.attemptFolder, 'stop.json'));
}
