import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { CliWorld, jsonLines } from './cli-world.ts';
import { Terminal } from './terminal.ts';
import { holdTrainers } from './trainer-watch.ts';

const worlds: CliWorld[] = [];
function setup(...args: ConstructorParameters<typeof CliWorld>): CliWorld {
  const world = new CliWorld(...args);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

describe('a sweep from the command line', { timeout: 300_000 }, () => {
  it('goes from a file to a report, and run again starts no job, whether the server is up or down', async () => {
    const world = setup();
    const first = await world.lethe('run', world.file, '--json');
    expect(first.stderr).not.toMatch(/lethe failed/);
    expect(first.code).toBe(0);
    const lines = jsonLines(first.stdout);
    const end = lines.at(-1)!;
    expect(end).toMatchObject({ event: 'end', status: 'completed', jobsStarted: 4, jobsReused: 0, done: 4, stages: 4 });
    expect(end.sweep).toBe(`toy~${String(end.planHash).slice(0, 12)}`);
    expect(end.statisticsDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(typeof end.verdict).toBe('string');
    expect(existsSync(String(end.report))).toBe(true);

    const up = await world.lethe('run', world.file, '--json');
    expect(jsonLines(up.stdout).at(-1)).toMatchObject({ ...end, jobsStarted: 0, jobsReused: 4 });
    expect(up.code).toBe(0);

    await world.lethe('stop');
    const down = await world.lethe('run', world.file, '--json');
    // Its ports may have gone to somebody else meanwhile.
    const { ui: _, ...same } = end;
    expect(jsonLines(down.stdout).at(-1)).toMatchObject({ ...same, jobsStarted: 0, jobsReused: 4 });
    expect(existsSync(join(world.store, 'embedded', 'worker.json')) && alive(world.pidOf('worker'))).toBe(false);

    expect(await world.last('status')).toMatchObject({ phase: 'done', runs: { done: 2, total: 2 } });
    expect(await world.last('report', 'toy')).toMatchObject({
      sweep: end.sweep,
      report: end.report,
      verdict: end.verdict,
    });
    const { stdout: log } = await world.lethe('logs', 'gpt2-d8.forgetting.s1', '--stage', 'finetune');
    expect(log).toMatch(/step 40\/40, loss .*exit 0 at step 40/);
    const explanation = await world.last('explain', 'gpt2-d8.forgetting.s1');
    expect(explanation.stages).toMatchObject([
      { kind: 'finetune', state: 'done', attempts: [{ attempt: 1, writers: [{ role: 'won', from: 'the start' }] }] },
      { kind: 'review', state: 'done' },
    ]);
  });

  it('keeps what is done when the file changes, and says what changed', async () => {
    const world = setup();
    expect(await world.lethe('run', world.file)).toMatchObject({ code: 0 });
    world.writeSweep({ reviewSteps: 30 });
    expect(await world.last('plan', world.file)).toMatchObject({ total: { stages: 4, stagesDone: 2 } });
    expect(await world.last('run', world.file)).toMatchObject({ status: 'completed', jobsStarted: 2, jobsReused: 2 });
    const explanation = await world.last('explain', 'gpt2-d16.forgetting.s1');
    expect(explanation).toMatchObject({ stages: [{ change: { kind: 'same' } }, { change: { kind: 'changed' } }] });
    const { stdout } = await world.lethe('explain', 'gpt2-d16.forgetting.s1');
    expect(stdout).toMatch(/train\.steps: 20 → 30/);
  });

  it('ends with exit 3 when a stage is parked, names the command, and that command goes on to the same end, though the server lost its histories', async () => {
    const whole = setup();
    const expected = await whole.last('run', whole.file);
    const world = setup();
    expect(await world.lethe('run', world.file)).toMatchObject({ code: 0 });
    // Everything but the data is made again from here, and one file of the data is damaged.
    await world.lethe('stop');
    for (const folder of ['stages', 'sweeps', 'embedded']) rmSync(join(world.store, folder), { recursive: true });
    const spec = (await world.last('plan', world.file)) as { stages: { key: string; label: string }[] };
    const data = join(world.store, 'data');
    const damaged = readdirSync(data).map((digest) => join(data, digest, 'tokens.jsonl'));
    const contents = damaged.map((file) => readFileSync(file, 'utf8'));
    for (const file of damaged) writeFileSync(file, `${readFileSync(file, 'utf8').slice(0, -9)}\n`);

    const parked = await world.lethe('run', world.file, '--json');
    expect(parked.code).toBe(3);
    const end = jsonLines(parked.stdout).at(-1)!;
    expect(end).toMatchObject({
      status: 'settled',
      verdict: null,
      parked: [{ command: expect.stringMatching(/^lethe retry/) }, {}],
    });
    expect(spec.stages.map(({ label }) => label)).toEqual(
      expect.arrayContaining((end.parked as { label: string }[]).map(({ label }) => label)),
    );

    const again = await world.lethe('run', world.file);
    expect(again.code).toBe(3);
    expect(again.stdout).toMatch(/lethe retry toy~[0-9a-f]{12} --failed/);

    // The store is the truth: a server that has lost its histories knows none of it.
    await world.lethe('stop');
    for (const name of readdirSync(join(world.store, 'embedded')))
      if (name.startsWith('temporal-')) rmSync(join(world.store, 'embedded', name), { recursive: true });
    for (const [index, file] of damaged.entries()) writeFileSync(file, contents[index]!);
    const retried = await world.lethe('retry', 'toy', '--failed', '--json');
    expect(retried.code).toBe(0);
    expect(jsonLines(retried.stdout).at(-1)).toMatchObject({
      status: 'completed',
      statisticsDigest: expected.statisticsDigest,
    });
  });
});

describe('two commands at once', { timeout: 300_000 }, () => {
  it('run one sweep, with one server, one worker and each job once', async () => {
    const world = setup({ steps: 400 });
    const both = await Promise.all([
      world.lethe('run', world.file, '--json'),
      world.lethe('run', world.file, '--json'),
    ]);
    const ends = both.map(({ stdout }) => jsonLines(stdout).at(-1)!);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(ends[0]!.statisticsDigest).toBe(ends[1]!.statisticsDigest);
    const stages = join(world.store, 'stages');
    const attempts = readdirSync(stages).map((key) => readdirSync(join(stages, key, 'attempts')));
    expect(attempts).toEqual([['1'], ['1'], ['1'], ['1']]);
  });
});

describe('a sweep that is under way', { timeout: 300_000 }, () => {
  it('survives kills of worker, trainers, server and terminal, and ends with the same statistics', async () => {
    const whole = setup({ steps: 400 });
    const expected = await whole.last('run', whole.file);
    const world = setup({ steps: 400 });
    const child = spawn(join(projectFolder, 'bin', 'lethe'), ['run', world.file, '--json'], {
      env: { ...process.env, ...world.environment },
      stdio: 'ignore',
    });
    await world.until('a trainer', () => world.trainers().length > 0);
    process.kill(world.pidOf('worker'), 'SIGKILL');
    for (const pid of world.trainers()) process.kill(pid, 'SIGKILL');
    process.kill(world.pidOf('server'), 'SIGKILL');
    child.kill('SIGKILL');
    const { code, stdout } = await world.lethe('run', world.file, '--json');
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      status: 'completed',
      statisticsDigest: expected.statisticsDigest,
    });
  });

  it('goes on without the terminal after Ctrl-C, which says how to come back', async () => {
    const world = setup({ steps: 2000 });
    const child = spawn(join(projectFolder, 'bin', 'lethe'), ['run', world.file], {
      env: { ...process.env, ...world.environment },
    });
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await world.until('a trainer', () => world.trainers().length > 0);
    const { release } = holdTrainers(world.store);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said).toMatch(/Come back with: lethe watch toy~/);
    expect(alive(world.pidOf('worker'))).toBe(true);
    release();
    const watched = await world.lethe('watch', 'toy', '--json');
    expect(watched.code).toBe(0);
    expect(jsonLines(watched.stdout).at(-1)).toMatchObject({ status: 'completed' });
  });

  it('stops with `lethe stop`, charged to no budget, and goes on with `lethe resume`', async () => {
    const world = setup({ steps: 6000 });
    expect((await world.lethe('run', world.file, '--detach')).code).toBe(0);
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    const stopped = await world.last('stop');
    expect(stopped).toMatchObject({ worker: true, server: true });
    expect((stopped.jobs as string[]).length).toBeGreaterThan(0);
    expect(world.trainers()).toEqual([]);
    // Looking at it starts the server, and nothing else.
    expect(await world.last('status')).toMatchObject({
      phase: 'stopped',
      reason: expect.stringMatching(/^stopped by lethe stop .*lethe resume toy~/),
    });
    expect(alive(world.pidOf('worker'))).toBe(false);
    const resumed = await world.lethe('resume', 'toy', '--json');
    expect(resumed.code).toBe(0);
    const outcomes: string[] = [];
    for (const run of ['gpt2-d8.forgetting.s1', 'gpt2-d16.forgetting.s1']) {
      const { stages } = (await world.last('explain', run)) as {
        stages: { attempts: { evidence?: { outcome: string } }[] }[];
      };
      for (const { attempts } of stages) outcomes.push(attempts.map(({ evidence }) => evidence?.outcome).join(', '));
    }
    expect(outcomes).toContain('stopped, succeeded');
    expect(outcomes.filter((all) => !['stopped, succeeded', 'succeeded'].includes(all))).toEqual([]);
  });

  it('is not set going again by whoever watches when another terminal stops it', async () => {
    const world = setup({ steps: 20_000 });
    const watching = world.lethe('run', world.file, '--json');
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    expect(await world.last('stop')).toMatchObject({ worker: true, server: true });
    const watched = await watching;
    expect(watched.code).toBe(3);
    expect(jsonLines(watched.stdout).at(-1)).toMatchObject({
      event: 'stopped',
      by: expect.stringContaining('lethe stop'),
      goOn: expect.stringMatching(/^lethe resume toy~/),
    });
    expect(alive(world.pidOf('worker'))).toBe(false);
    expect(world.trainers()).toEqual([]);
  });

  it('pauses with its jobs, resumes, refuses another plan of its name, and gives way to it with --replace', async () => {
    const world = setup({ steps: 6000 });
    await world.lethe('run', world.file, '--detach');
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    expect(await world.last('pause', 'toy', '--now')).toMatchObject({ paused: true, now: true });
    await world.until('the trainers to stop', () => world.trainers().length === 0);
    expect(await world.last('status')).toMatchObject({ phase: 'paused' });

    world.writeSweep({ steps: 60 });
    const refused = await world.lethe('run', world.file);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/another plan of this name is open.*train\.steps: 6000 → 60.*--replace/s);

    expect((await world.lethe('resume', 'toy', '--detach')).code).toBe(0);
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    const replaced = await world.lethe('run', world.file, '--replace', '--json');
    expect(replaced.code).toBe(0);
    expect(jsonLines(replaced.stdout).at(-1)).toMatchObject({ status: 'completed', done: 4 });
    expect(readdirSync(join(world.store, 'sweeps'))).toHaveLength(2);
  });

  it('is cancelled with exit 0, and whoever watched it ends with exit 3', async () => {
    const world = setup({ steps: 20_000 });
    await world.lethe('run', world.file, '--detach');
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    const watching = new Terminal(['watch', 'toy', '--json'], world.environment);
    await world.until('its first line', () => watching.stdout.includes('\n'));
    expect((await world.lethe('cancel', 'toy')).code).toBe(0);
    expect(await watching.ended).toBe(3);
    expect(jsonLines(watching.stdout).at(-1)).toMatchObject({
      status: 'cancelled',
      command: expect.stringMatching(/lethe resume toy~/),
    });
    expect(world.trainers()).toEqual([]);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
