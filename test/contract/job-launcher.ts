import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readLaunched } from '../../src/artifacts/attempt-folder.ts';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { publishJson } from '../../src/artifacts/read-json.ts';
import { stopSchema } from '../../src/artifacts/schemas.ts';
import {
  type JobLauncher,
  JobNameTaken,
  type JobObservation,
  LauncherUnreachable,
} from '../../src/jobs/job-launcher.ts';

/** What the program of a job does. */
export interface ProgramPlan {
  /** Runs until it is stopped when absent. */
  readonly exitCode?: number;
  readonly afterMs?: number;
  readonly ignoresStop?: boolean;
}

/** One platform of a test, and what happens to it. */
export interface LauncherWorld {
  /** launched.json says that the job exists, queued or not; otherwise that its program starts. */
  readonly recordedAtLaunch?: boolean;
  /** A launcher as a worker makes it at its start: a new one knows nothing but what platform and store tell. */
  launcher(): JobLauncher;
  /** A job whose attempt folder and job.json exist. */
  job(program: ProgramPlan): Promise<JobSpec>;
  /** A job of somebody else that has the name of `spec`. */
  foreign(spec: JobSpec): Promise<JobSpec>;
  /** How often the program of a job was started. */
  starts(spec: JobSpec): Promise<number>;
  /** The kernel or a person kills the job with SIGKILL. */
  kill(spec: JobSpec): Promise<void>;
  /** Launches and waits for the job from several places at once, as workers do that do not know of each other. */
  race(spec: JobSpec): Promise<void>;
  /** The machine is started again: everything that ran is gone. Launchers made from now on see it. */
  reboot(): Promise<void>;
  /** Launchers cannot see their jobs until `mend` is called. */
  breakDown(): Promise<{ mend(): Promise<void> }>;
  close(): Promise<void>;
}

export interface LauncherContract {
  /** A world in which `slots` jobs run at once. */
  setup(slots: number): Promise<LauncherWorld>;
}

const GRACE_MS = 5_000;
/** A waiter that was woken is back long before its minute is over, on a busy machine too. */
const WOKEN_MS = 30_000;

/** What every launcher promises (src/jobs/job-launcher.ts). */
export function jobLauncherContract(name: string, { setup }: LauncherContract): void {
  describe(`${name} keeps the promises of a job launcher`, { timeout: 90_000 }, () => {
    let world: LauncherWorld;
    afterEach(() => world.close());

    it('runs a job once when it is launched again and again', async () => {
      world = await setup(2);
      const launcher = world.launcher();
      const spec = await world.job({ exitCode: 0 });
      await launcher.launch(spec);
      await launcher.launch(spec);
      await until(launcher, spec, 'ended');
      await launcher.launch(spec);
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await world.starts(spec)).toBe(1);
    });

    it('shows a job as queued, running and ended', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const first = await world.job({});
      const second = await world.job({ exitCode: 0 });
      await launcher.launch(first);
      expect(await until(launcher, first, 'running')).toMatchObject({
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      });
      await launcher.launch(second);
      await launcher.waitForChange(second, 50);
      expect(await launcher.observe(second)).toEqual({ state: 'queued', reason: expect.stringContaining('slot') });
      await stop(first);
      await launcher.cancel(first, GRACE_MS);
      expect(await until(launcher, second, 'ended')).toEqual({ state: 'ended' });
    });

    it('does not start a job that is queued', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const first = await world.job({});
      const second = await world.job({ exitCode: 0 });
      await launcher.launch(first);
      await until(launcher, first, 'running');
      await launcher.launch(second);
      await launcher.waitForChange(second, 300);
      expect(await world.starts(second)).toBe(0);
      expect((await readLaunched(second.attemptFolder)) !== undefined).toBe(world.recordedAtLaunch === true);
    });

    it('leaves launched.json behind before the program starts', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const spec = await world.job({ exitCode: 0 });
      await launcher.launch(spec);
      await until(launcher, spec, 'ended');
      expect(await readLaunched(spec.attemptFolder)).toMatchObject({ format: 'lethe-launched/1' });
    });

    it('finds a running job again with a new launcher', async () => {
      world = await setup(1);
      const before = world.launcher();
      const spec = await world.job({});
      await before.launch(spec);
      await until(before, spec, 'running');
      const after = world.launcher();
      await after.launch(spec);
      expect(await after.observe(spec)).toMatchObject({ state: 'running' });
      await stop(spec);
      await after.cancel(spec, GRACE_MS);
      expect(await after.observe(spec)).toEqual({ state: 'ended' });
      expect(await world.starts(spec)).toBe(1);
    });

    it('sees the end of a job that another launcher started', async () => {
      world = await setup(1);
      const before = world.launcher();
      const spec = await world.job({ exitCode: 65, afterMs: 1_000 });
      await before.launch(spec);
      await until(before, spec, 'running');
      const after = world.launcher();
      const started = performance.now();
      await after.waitForChange(spec, 60_000);
      expect(performance.now() - started).toBeLessThan(WOKEN_MS);
      expect(await until(after, spec, 'ended')).toEqual({ state: 'ended' });
    });

    it('starts a job once when several workers launch it at the same time', async () => {
      world = await setup(4);
      const spec = await world.job({ afterMs: 200, exitCode: 0 });
      await world.race(spec);
      const launcher = world.launcher();
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await world.starts(spec)).toBe(1);
    });

    it('wakes a waiter when the job ends', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const spec = await world.job({ exitCode: 0, afterMs: 1_000 });
      await launcher.launch(spec);
      await until(launcher, spec, 'running');
      const started = performance.now();
      for (let state = ''; state !== 'ended'; state = (await launcher.observe(spec)).state)
        await launcher.waitForChange(spec, 60_000);
      expect(performance.now() - started).toBeLessThan(WOKEN_MS);
    });

    it('gives a waiter back when its time is over or its signal fires', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const spec = await world.job({});
      await launcher.launch(spec);
      await until(launcher, spec, 'running');
      const started = performance.now();
      await launcher.waitForChange(spec, 100);
      await launcher.waitForChange(spec, 60_000, AbortSignal.timeout(100));
      expect(performance.now() - started).toBeLessThan(WOKEN_MS);
      expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
    });

    it('lets a job checkpoint when it is cancelled', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const spec = await world.job({});
      await launcher.launch(spec);
      await until(launcher, spec, 'running');
      await stop(spec);
      await launcher.cancel(spec, GRACE_MS);
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await launcher.platformEvidence(spec)).toMatchObject({
        exitCode: 75,
        outOfMemory: false,
        preempted: false,
      });
      await launcher.cancel(spec, GRACE_MS);
    });

    it('kills a job that does not stop in its grace', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const spec = await world.job({ ignoresStop: true });
      await launcher.launch(spec);
      await until(launcher, spec, 'running');
      await stop(spec);
      const started = performance.now();
      await launcher.cancel(spec, 300);
      expect(performance.now() - started).toBeGreaterThan(250);
      expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
      expect(await launcher.platformEvidence(spec)).toMatchObject({ signal: 'SIGKILL', outOfMemory: false });
    });

    it('withdraws a job that is cancelled before its turn', async () => {
      world = await setup(1);
      const launcher = world.launcher();
      const first = await world.job({});
      const second = await world.job({ exitCode: 0 });
      await launcher.launch(first);
      await until(launcher, first, 'running');
      await launcher.launch(second);
      const waiting = launcher.waitForChange(second, 60_000);
      await stop(second);
      await launcher.cancel(second, GRACE_MS);
      await waiting;
      await stop(first);
      await launcher.cancel(first, GRACE_MS);
      await launcher.launch(second);
      await launcher.waitForChange(second, 200);
      expect(await launcher.observe(second)).toEqual({ state: 'ended' });
      expect(await world.starts(second)).toBe(0);
    });

    it('does not stop a job when its launcher goes', async () => {
      world = await setup(1);
      const watch = new AbortController();
      const before = world.launcher();
      const spec = await world.job({});
      await before.launch(spec);
      await until(before, spec, 'running');
      const waiting = before.waitForChange(spec, 60_000, watch.signal);
      watch.abort();
      await waiting;
      expect(await world.launcher().observe(spec)).toMatchObject({ state: 'running' });
    });

    it('tells a job that was killed from one that ended by itself', async () => {
      world = await setup(2);
      const launcher = world.launcher();
      const killed = await world.job({});
      const ended = await world.job({ exitCode: 78 });
      await launcher.launch(killed);
      await launcher.launch(ended);
      await until(launcher, killed, 'running');
      await world.kill(killed);
      await until(launcher, killed, 'ended');
      await until(launcher, ended, 'ended');
      expect(await launcher.platformEvidence(killed)).toMatchObject({
        signal: 'SIGKILL',
        outOfMemory: false,
        preempted: false,
      });
      expect(await launcher.platformEvidence(ended)).toMatchObject({
        exitCode: 78,
        outOfMemory: false,
        preempted: false,
      });
    });

    it('says lost, never queued, of a job that a restart of the machine took', async () => {
      world = await setup(1);
      const spec = await world.job({});
      const before = world.launcher();
      await before.launch(spec);
      await until(before, spec, 'running');
      await world.reboot();
      const after = world.launcher();
      await after.launch(spec);
      expect(await after.observe(spec)).toMatchObject({ state: 'lost' });
      expect(await after.platformEvidence(spec)).toMatchObject({ preempted: true });
      expect(await world.starts(spec)).toBe(1);
    });

    it('refuses a name that a foreign job holds, and leaves that job alone', async () => {
      world = await setup(2);
      const launcher = world.launcher();
      const ours = await world.job({ exitCode: 0 });
      const theirs = await world.foreign(ours);
      await launcher.launch(theirs);
      await expect(launcher.launch(ours)).rejects.toThrow(JobNameTaken);
      expect(await until(launcher, theirs, 'running')).toMatchObject({ state: 'running' });
    });

    it('throws when it cannot see its jobs, and finds them again as they are', async () => {
      world = await setup(2);
      const launcher = world.launcher();
      const running = await world.job({});
      const next = await world.job({});
      await launcher.launch(running);
      await until(launcher, running, 'running');
      const { mend } = await world.breakDown();
      for (const blind of [launcher, world.launcher()]) {
        await expect(blind.observe(running)).rejects.toThrow(LauncherUnreachable);
        await expect(blind.launch(next)).rejects.toThrow(LauncherUnreachable);
        await expect(blind.platformEvidence(running)).rejects.toThrow(LauncherUnreachable);
      }
      await mend();
      expect(await launcher.observe(running)).toMatchObject({ state: 'running' });
      expect(await world.starts(running)).toBe(1);
      expect(await world.starts(next)).toBe(0);
    });
  });
}

/** Watches as an activity does: observe, wait for a change, observe again. */
export async function until(
  launcher: JobLauncher,
  spec: JobSpec,
  state: JobObservation['state'],
): Promise<JobObservation> {
  const giveUp = performance.now() + 60_000;
  for (;;) {
    const observation = await launcher.observe(spec);
    if (observation.state === state) return observation;
    if (observation.state === 'ended') throw new Error(`expected ${spec.name} to be ${state}, it has ended`);
    if (performance.now() > giveUp)
      throw new Error(`expected ${spec.name} to be ${state}, it stays ${JSON.stringify(observation)}`);
    await launcher.waitForChange(spec, 500);
  }
}

/** stop.json comes before any cancellation. */
export async function stop(spec: JobSpec): Promise<void> {
  const wish = { by: 'test', why: 'the test asked for it', charge: 'none', time: new Date().toISOString() };
  await publishJson(join(spec.attemptFolder, 'stop.json'), wish, stopSchema);
}
