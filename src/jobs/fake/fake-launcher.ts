import type { JobSpec } from '../../artifacts/job-spec.ts';
import { digestOf } from '../../experiment/canonical-json.ts';
import {
  type JobLauncher,
  JobNameTaken,
  type JobObservation,
  LauncherUnreachable,
  type PlatformEvidence,
} from '../job-launcher.ts';
import { pause } from '../latch.ts';
import { type FakeJob, type FakePlatform, wasLaunched, wasStopped } from './fake-platform.ts';

/** Asks a `FakePlatform`. Keeps the promises of every launcher, so that tests of workflows and activities meet no other world than the real one. */
export class FakeLauncher implements JobLauncher {
  readonly kind = 'fake';
  private readonly platform: FakePlatform;

  constructor(platform: FakePlatform) {
    this.platform = platform;
  }

  async launch(spec: JobSpec): Promise<void> {
    const launched = await wasLaunched(spec);
    // From here on in one breath: two launches at once make one job.
    const there = this.find(spec);
    if (there !== undefined && there.digest !== digestOf(spec)) {
      throw new JobNameTaken(
        `job ${spec.name}: expected the one of ${spec.attemptFolder}, got another job of that name`,
      );
    }
    if (there === undefined && !launched && !wasStopped(spec)) this.platform.create(spec);
  }

  async observe(spec: JobSpec): Promise<JobObservation> {
    const launched = await wasLaunched(spec);
    const job = this.find(spec);
    if (job === undefined) {
      if (launched) return { state: 'lost', reason: 'the platform does not know it any more' };
      if (wasStopped(spec)) return { state: 'ended' };
      return { state: 'queued', reason: 'not launched yet' };
    }
    if (job.state === 'queued') return { state: 'queued', reason: `all ${this.platform.slots} slots are taken` };
    if (job.state === 'starting') {
      const kind = job.startingKind;
      return { state: 'starting', reason: 'its container is being made', ...(kind !== undefined && { kind }) };
    }
    if (job.state === 'running') return { state: 'running', startedAt: job.startedAt, where: 'nowhere' };
    return { state: 'ended' };
  }

  async waitForChange(spec: JobSpec, maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    const job = this.find(spec);
    if (job?.state === 'ended') return;
    await (job === undefined ? pause(Math.min(maxWaitMs, 50), signal) : job.changed.wait(maxWaitMs, signal));
  }

  async cancel(spec: JobSpec, graceMs: number): Promise<void> {
    const job = this.find(spec);
    if (job === undefined) return;
    job.stop.abort();
    const killAt = performance.now() + graceMs;
    while (job.state !== 'ended') {
      const left = killAt - performance.now();
      if (left <= 0) job.kill.abort();
      await job.changed.wait(left > 0 ? left : 1_000);
    }
  }

  async platformEvidence(spec: JobSpec): Promise<PlatformEvidence> {
    const job = this.find(spec);
    return (
      job?.evidence ?? { outOfMemory: false, preempted: true, events: ['the platform does not know the job any more'] }
    );
  }

  private find(spec: JobSpec): FakeJob | undefined {
    if (this.platform.unreachable) throw new LauncherUnreachable('expected an answer of the fake platform, got none');
    return this.platform.find(spec.name);
  }
}
