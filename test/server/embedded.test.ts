import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { runningEmbeddedWorker } from '../../src/cli/embedded-worker.ts';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { EMBEDDED } from '../../src/cli/session.ts';
import { withLiveProcesses } from '../../src/cli/with-live-processes.ts';
import { connect } from '../../src/temporal/connection.ts';
import { runningEmbeddedServer } from '../../src/temporal/embedded-server.ts';
import { isAlive } from '../../src/temporal/process-identity.ts';
import { describeSweep } from '../../src/temporal/sweep-client.ts';
import { CliWorld, jsonLines } from './cli-world.ts';
import { holdTrainers } from './trainer-watch.ts';

const worlds: CliWorld[] = [];
const children: ChildProcess[] = [];
async function setup(): Promise<CliWorld> {
  const world = new CliWorld();
  worlds.push(world);
  await Store.create(world.store, EMBEDDED);
  return world;
}
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const world of worlds.splice(0)) await world.end();
});

describe('the server of a store', { timeout: 120_000 }, () => {
  it('is started once by commands that race', async () => {
    const world = await setup();
    const pages = await Promise.all([1, 2, 3].map(() => world.last('ui')));
    expect(new Set(pages.map(({ address }) => address)).size).toBe(1);
    expect(pages[0]!.ui).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/namespaces\/lethe\/workflows$/);
    const page = await fetch(String(pages[0]!.ui));
    expect(page.status).toBe(200);
  });

  it('comes back at the same address after a kill, with its histories', async () => {
    const world = await setup();
    const before = await world.last('ui');
    const { pid } = runningEmbeddedServer(world.store)!;
    process.kill(pid, 'SIGKILL');
    await world.until('its end', () => runningEmbeddedServer(world.store) === undefined);
    expect(await world.last('ui')).toEqual(before);
    expect(runningEmbeddedServer(world.store)!.pid).not.toBe(pid);
  });

  it.each(['server', 'worker'] as const)('is asked again when the %s dies while a command asks', async (victim) => {
    const world = await setup();
    const store = await Store.open(world.store);
    const said: string[] = [];
    const asked: number[] = [];
    const options = { say: (text: string) => said.push(text), worker: victim === 'worker' };
    const described = await withLiveProcesses(store, options, async (connection) => {
      const pid = victim === 'server' ? connection.embedded!.pid : runningEmbeddedWorker(world.store)!.pid;
      asked.push(pid);
      if (asked.length === 1) {
        process.kill(pid, 'SIGKILL');
        if (victim === 'worker') return new Promise<never>(() => {}); // As an update that nobody answers.
      }
      return describeSweep(connection, { storeId: store.id, sweepId: 'none~000000000000' });
    });
    expect(described).toEqual({ status: 'absent' });
    expect(new Set(asked).size).toBe(2);
    expect(said.join('\n')).toContain(
      `the ${victim === 'server' ? 'Temporal server' : 'worker'} has ended; starting it again`,
    );
  });

  it('is told by doctor when it hangs, and started again by the next command', async () => {
    const world = await setup();
    await world.lethe('ui');
    const hung = runningEmbeddedServer(world.store)!;
    process.kill(hung.pid, 'SIGSTOP');
    const doctor = await world.lethe('doctor', '--json');
    expect(doctor.code).toBe(3);
    expect(jsonLines(doctor.stdout)).toContainEqual(
      expect.objectContaining({
        what: 'server',
        level: 'bad',
        found: expect.stringContaining(`pid ${hung.pid} lives but does not answer`),
      }),
    );
    expect((await world.lethe('ui')).code).toBe(0);
    expect(isAlive(hung)).toBe(false);
  });

  it('ends with its worker when nothing goes on for the idle time, a paused sweep included', async () => {
    const world = await setup();
    world.writeSweep({ steps: 6000 });
    const environment = { ...world.environment, LETHE_IDLE_MINUTES: '0.05' };
    const { lethe } = await import('../cli/lethe-command.ts');
    expect((await lethe(['run', world.file, '--detach'], environment)).code).toBe(0);
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    const server = runningEmbeddedServer(world.store)!;
    expect((await lethe(['pause', 'toy', '--now'], environment)).code).toBe(0);
    await world.until('the server to end by itself', () => !isAlive(server));
    expect((await world.lethe('resume', 'toy', '--json')).code).toBe(0);
  });
});

describe('a worker that a program started with a channel', { timeout: 120_000 }, () => {
  it('ends when that program is gone', async () => {
    const world = await setup();
    await world.lethe('ui');
    const child = fork(join(projectFolder, 'src', 'cli', 'main.ts'), ['worker'], {
      env: { ...process.env, ...world.environment },
      silent: true,
    });
    children.push(child);
    const ended = once(child, 'exit');
    await once(child.stdout!, 'data');
    child.disconnect();
    expect((await ended)[0]).toBe(1);
  });
});

describe('lethe doctor', { timeout: 180_000 }, () => {
  it('finds a job whose workflow was terminated, and the next resume adopts it', async () => {
    const world = await setup();
    world.writeSweep({ steps: 20_000 });
    expect((await world.lethe('run', world.file, '--detach')).code).toBe(0);
    await world.until('a trainer', () => world.trainers().length > 0);
    holdTrainers(world.store);
    process.kill(world.pidOf('worker'), 'SIGKILL');
    const lethe = await connect({
      address: runningEmbeddedServer(world.store)!.address,
      namespace: EMBEDDED.namespace,
    });
    for await (const { workflowId } of lethe.client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
      await lethe.client.workflow.getHandle(workflowId).terminate('by hand');
    }
    await lethe.close();
    const { code, stdout } = await world.lethe('doctor', '--json');
    expect(code).toBe(3);
    expect(jsonLines(stdout)).toContainEqual(
      expect.objectContaining({
        what: 'job',
        level: 'bad',
        found: expect.stringMatching(/runs, but its workflow is closed/),
      }),
    );
    const before = world.trainers();
    expect((await world.lethe('resume', 'toy', '--detach')).code).toBe(0);
    await world.until('a heartbeat of the adopted job', async () => {
      const { rows } = (await world.last('status')) as { rows: { state: string }[] };
      return rows.some(({ state }) => state === 'running');
    });
    expect(world.trainers().filter((pid) => before.includes(pid)).length).toBeGreaterThan(0);
    expect(
      jsonLines((await world.lethe('doctor', '--json')).stdout).filter(({ found }) =>
        String(found).includes('workflow is closed'),
      ),
    ).toEqual([]);
  });

  it('finds a trainer whose stage is gone', async () => {
    const world = await setup();
    const gone = join(world.folder, 'removed', 'stages', 'a'.repeat(64));
    mkdirSync(world.store, { recursive: true });
    const script = `exec -a /nowhere/lethe-trainer "${process.execPath}" -e "setTimeout(() => {}, 60000)" -- --stage "${gone}" --attempt 1`;
    const child = spawn('bash', ['-c', script], { stdio: 'ignore' });
    children.push(child);
    await world.until('its name', () => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').startsWith('/nowhere/'));
    const { code, stdout } = await world.lethe('doctor', '--json');
    expect(code).toBe(3);
    expect(jsonLines(stdout)).toContainEqual(
      expect.objectContaining({
        what: 'job',
        level: 'bad',
        found: `pid ${child.pid} trains in ${gone}, which is gone`,
        fix: expect.stringContaining(`kill -TERM ${child.pid}`),
      }),
    );
  });
});
