import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLaunched } from '../../src/artifacts/attempt-folder.ts';
import type { JobSpec } from '../../src/artifacts/job-spec.ts';
import { isLocal } from '../../src/artifacts/launched.ts';
import { LauncherUnreachable } from '../../src/jobs/job-launcher.ts';
import { parseStat, thisMachine } from '../../src/jobs/local/machine.ts';
import { stop, until } from '../contract/job-launcher.ts';
import { LAUNCH_BINARY, LocalWorld } from './support/local-world.ts';
import { memoryGroup } from './support/memory-group.ts';

const WORKER = new URL('./support/worker-process.ts', import.meta.url).pathname;

let world: LocalWorld;
beforeEach(async () => {
  world = await LocalWorld.create(2);
});
afterEach(() => world.close());

/** What lethe-launch would leave behind, for a process of our choice. */
async function pretendLaunched(spec: JobSpec, launched: Record<string, unknown>): Promise<void> {
  const format = {
    format: 'lethe-launched/1',
    bootId: thisMachine().bootId,
    host: 'test',
    oomKills: 0,
    launchedAt: '2026-01-01T00:00:00Z',
  };
  await writeFile(join(spec.attemptFolder, 'launched.json'), JSON.stringify({ ...format, ...launched }));
}

async function pidOf(spec: JobSpec): Promise<number> {
  const launched = await readLaunched(spec.attemptFolder);
  if (launched === undefined || !isLocal(launched)) throw new Error(`expected ${spec.name} to have started`);
  return launched.pid;
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

describe('the local launcher', () => {
  it('does not start an attempt that was made for a cluster', async () => {
    const spec = { ...(await world.job({ exitCode: 0 })), manifest: { kind: 'Job' } };
    await expect(world.launcher().launch(spec)).rejects.toThrow(/made for a cluster/);
    expect(await world.starts(spec)).toBe(0);
  });

  it('does not count a lost race as the end of the job', async () => {
    const spec = await world.job({});
    // The winner, started by nobody that this launcher knows.
    const winner = spawn(LAUNCH_BINARY, ['--attempt-dir', spec.attemptFolder, '--', ...spec.command], {
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => winner.once('exit', resolve));
    const launcher = world.launcher();
    await launcher.launch(spec);
    await launcher.waitForChange(spec, 100);
    expect(await until(launcher, spec, 'running')).toMatchObject({ where: `process ${winner.pid}` });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
    expect(launcher.jobs().running).toHaveLength(1);
    await stop(spec);
    await launcher.cancel(spec, 5_000);
    await ended;
  });

  it('leaves its job running when the worker is killed, and the next worker stops it', async () => {
    const spec = await world.job({});
    const worker = spawn(process.execPath, [WORKER, world.stateFolder, spec.attemptFolder, LAUNCH_BINARY], {
      stdio: 'inherit',
    });
    while ((await world.starts(spec)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const dead = new Promise((resolve) => worker.once('exit', resolve));
    worker.kill('SIGKILL');
    await dead;
    const next = world.launcher();
    await next.launch(spec);
    expect(await next.observe(spec)).toMatchObject({ state: 'running' });
    expect(next.jobs().running.map(({ name }) => name)).toEqual([spec.name]);
    await stop(spec);
    await next.cancel(spec, 5_000);
    expect(await next.observe(spec)).toEqual({ state: 'ended' });
    expect(await world.starts(spec)).toBe(1);
  });

  it('gives a job back that it lets go of before it was started', async () => {
    const spec = await world.job({});
    const first = world.launcher();
    await first.launch(spec);
    await first.waitForChange(spec, 5_000);
    // The process that was to start it has not even loaded its program.
    first.close();
    const next = world.launcher();
    await next.launch(spec);
    expect(await until(next, spec, 'running')).toMatchObject({ state: 'running' });
    await stop(spec);
    await next.cancel(spec, 5_000);
    expect(await world.starts(spec)).toBe(1);
  });

  it('finds its jobs again when the process that started them is killed', async () => {
    const launcher = world.launcher();
    const spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'running');
    const waiting = launcher.waitForChange(spec, 60_000);
    process.kill(parentOf(await pidOf(spec)), 'SIGKILL');
    await waiting;
    expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
    const next = await world.job({ exitCode: 0 });
    await launcher.launch(next);
    await until(launcher, next, 'ended');
    expect(await launcher.platformEvidence(next)).toMatchObject({ exitCode: 0 });
    await stop(spec);
    await launcher.cancel(spec, 5_000);
    expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
    expect(await world.starts(spec)).toBe(1);
  });

  it('starts jobs in a process group of their own, with stdout and stderr in log.txt', async () => {
    const launcher = world.launcher();
    const spec = await world.command(() => [
      '/bin/sh',
      '-c',
      'echo out; echo err >&2; cut -d" " -f1,5,6 /proc/$$/stat',
    ]);
    await launcher.launch(spec);
    await until(launcher, spec, 'ended');
    const lines = (await readFile(join(spec.attemptFolder, 'log.txt'), 'utf8')).split('\n');
    const pid = await pidOf(spec);
    expect(lines).toEqual(['out', 'err', `${pid} ${pid} ${pid}`, '']);
  });

  it('gives a job no setting that changes the order of sums, and no secret', async () => {
    process.env.OPENBLAS_NUM_THREADS = '7';
    process.env.SOME_TOKEN = 'secret';
    const launcher = world.launcher();
    const spec = await world.command(() => ['/usr/bin/env']);
    await launcher.launch({ ...spec, environment: { OMP_NUM_THREADS: '3', MKL_CBWR: 'x', LETHE_TEST: 'kept' } });
    await until(
      launcher,
      { ...spec, environment: { OMP_NUM_THREADS: '3', MKL_CBWR: 'x', LETHE_TEST: 'kept' } },
      'ended',
    );
    delete process.env.OPENBLAS_NUM_THREADS;
    delete process.env.SOME_TOKEN;
    const log = await readFile(join(spec.attemptFolder, 'log.txt'), 'utf8');
    expect(log).not.toMatch(/OPENBLAS|OMP|MKL|secret/);
    expect(log).toContain('LETHE_TEST=kept');
    expect(log).toMatch(/^PATH=/m);
  });

  it('says why when the launch program is missing', async () => {
    const launcher = world.launcher({ launchBinary: ['/nowhere/lethe-launch'] });
    const spec = await world.job({});
    await launcher.launch(spec);
    await until(launcher, spec, 'ended');
    const { events, outOfMemory } = await launcher.platformEvidence(spec);
    expect(outOfMemory).toBe(false);
    expect(events).toEqual([expect.stringContaining('/nowhere/lethe-launch')]);
  });

  it('reports code and place when the program of a job cannot be started', async () => {
    const launcher = world.launcher();
    const spec = await world.command(() => ['/nowhere/lethe-trainer']);
    await launcher.launch(spec);
    await until(launcher, spec, 'ended');
    const { exitCode } = await launcher.platformEvidence(spec);
    expect(exitCode).toBeGreaterThan(0);
    expect(await readFile(join(spec.attemptFolder, 'log.txt'), 'utf8')).toContain('/nowhere/lethe-trainer');
  });

  it('throws when the kernel cannot be asked, and does not take its jobs for dead', async () => {
    const spec = await world.job({});
    await world.launcher().launch(spec);
    await until(world.launcher(), spec, 'running');
    const { startTime, ...machine } = thisMachine();
    let blind = false;
    const flickering = (pid: number) => {
      if (blind) throw new Error('the kernel cannot be asked');
      return startTime(pid);
    };
    const launcher = world.launcher({ machine: { ...machine, startTime: flickering } });
    blind = true;
    await expect(launcher.observe(spec)).rejects.toThrow(LauncherUnreachable);
    await expect(launcher.waitForChange(spec, 1_000)).rejects.toThrow(LauncherUnreachable);
    await stop(spec);
    await expect(launcher.cancel(spec, 1_000)).rejects.toThrow('the kernel cannot be asked');
    blind = false;
    expect(await launcher.observe(spec)).toMatchObject({ state: 'running' });
  });

  it('neither watches nor signals a process that got the pid of its job', async () => {
    const bystander = spawn('sleep', ['60']);
    const pid = bystander.pid ?? 0;
    const spec = await world.job({});
    await pretendLaunched(spec, { pid, startTime: (thisMachine().startTime(pid) ?? 0) - 1 });
    const launcher = world.launcher();
    expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
    await stop(spec);
    await launcher.cancel(spec, 10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill('SIGKILL');
  });

  it('counts a job that ended before the machine was started again as ended', async () => {
    const spec = await world.job({});
    await pretendLaunched(spec, { pid: 4_000_000, startTime: 1, bootId: 'an earlier one' });
    const launcher = world.launcher();
    expect(await launcher.observe(spec)).toMatchObject({ state: 'lost' });
    await mkdir(join(spec.attemptFolder, '4000000-1'));
    await writeFile(join(spec.attemptFolder, '4000000-1', 'outcome.json'), '{"code":0,"sentence":"done","step":1}');
    expect(await launcher.observe(spec)).toEqual({ state: 'ended' });
  });
});

describe('a local job that dies without a word', () => {
  const counting = (oomKills: number) => ({ ...thisMachine(), oomKills: () => oomKills });

  it.each([
    ['the kernel’s counter rose', 4, 'nothing', true],
    ['the counter stands as it was', 3, 'nothing', false],
    ['the counter rose and the job was stopped by us', 4, 'stop.json', false],
    ['the counter rose and the job left its last word', 4, 'outcome.json', false],
  ])('was killed for memory only if nothing else explains it: %s', async (_, kills, left, expected) => {
    const spec = await world.job({});
    await pretendLaunched(spec, { pid: 4_000_000, startTime: 1, oomKills: 3 });
    if (left === 'stop.json') await stop(spec);
    if (left === 'outcome.json') {
      await mkdir(join(spec.attemptFolder, '4000000-1'));
      await writeFile(
        join(spec.attemptFolder, '4000000-1', 'outcome.json'),
        '{"code":70,"sentence":"broken","step":1}',
      );
    }
    const evidence = await world.launcher({ machine: counting(kills) }).platformEvidence(spec);
    expect(evidence.outOfMemory).toBe(expected);
    if (kills === 4) expect(evidence.events).toEqual(['kills for memory in /proc/vmstat rose from 3 to 4']);
  });

  it('was not killed for memory when its parent saw another signal', async () => {
    const launcher = world.launcher({ machine: { ...thisMachine(), oomKills: () => 1_000_000 } });
    const spec = await world.command(() => ['/bin/sh', '-c', 'kill -SEGV $$']);
    await launcher.launch(spec);
    await until(launcher, spec, 'ended');
    expect(await launcher.platformEvidence(spec)).toMatchObject({ signal: 'SIGSEGV', outOfMemory: false });
  });

  const group = memoryGroup();
  it.runIf(group !== undefined)('is told from a crash when the kernel really kills it for memory', async () => {
    if (group === undefined) return;
    const launcher = world.launcher({ launchBinary: [...group.enter(32 * 2 ** 20), LAUNCH_BINARY] });
    // tail keeps what may be its last line, and /dev/zero has no end of line.
    const greedy = await world.command(() => ['tail', '/dev/zero']);
    await launcher.launch(greedy);
    await until(launcher, greedy, 'ended');
    expect(await launcher.platformEvidence(greedy)).toMatchObject({ signal: 'SIGKILL', outOfMemory: true });
    // Nobody who is not its parent knows the signal; the counter is enough.
    expect(await world.launcher().platformEvidence(greedy)).toMatchObject({ outOfMemory: true });
    const crashing = await world.command(() => ['/bin/sh', '-c', 'kill -KILL $$']);
    await launcher.launch(crashing);
    await until(launcher, crashing, 'ended');
    expect(await launcher.platformEvidence(crashing)).toMatchObject({ signal: 'SIGKILL', outOfMemory: false });
    await group.remove();
  });
});

describe('/proc/PID/stat', () => {
  const rest = (state: string) => `${state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 76464 20`;

  it('gives the start time whatever the name of the program', () => {
    expect(parseStat(`17 (a) b (c) ${rest('S')}`)).toBe(76464);
  });

  it.each(['Z', 'X'])('of state %s is that of a dead process', (state) => {
    expect(parseStat(`17 (sh) ${rest(state)}`)).toBeUndefined();
  });
});
