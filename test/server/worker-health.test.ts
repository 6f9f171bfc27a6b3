import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { startSweep } from '../../src/temporal/sweep-client.ts';
import { activitySlots } from '../../src/worker.ts';
import { freeLoopbackAddress } from '../../src/worker-health.ts';
import { jsonLines } from './cli-world.ts';
import { trainersOf } from './trainer-watch.ts';
import { TrainerWorld } from './trainer-world.ts';
import { eventually } from './world.ts';

/** Not by way of bin/lethe: what is killed is the worker itself, which by its channel ends with this test too. */
const MAIN = join(projectFolder, 'src', 'cli', 'main.ts');
/** Long enough that the worker can be asked while it trains. */
const STEPS = 200_000;

describe('a worker with --metrics-port', () => {
  let world: TrainerWorld;
  let worker: ChildProcess;
  let address: string;
  let log: string;
  beforeEach(async () => {
    world = await TrainerWorld.create();
    address = await freeLoopbackAddress();
    const port = address.slice(address.indexOf(':') + 1);
    worker = fork(MAIN, ['worker', '--store', world.store.path, '--metrics-port', port], {
      env: { ...process.env, XDG_STATE_HOME: join(world.folder, 'state') },
      silent: true,
    });
    log = '';
    worker.stdout?.on('data', (data) => {
      log += data;
    });
  });
  afterEach(async () => {
    worker.kill('SIGKILL');
    await world.end();
  });

  const get = (path: string) =>
    fetch(`http://${address}${path}`).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      () => ({ status: 0, text: '' }),
    );
  const until = (path: string, ...parts: string[]) =>
    eventually(
      async () => {
        const { status, text } = await get(path);
        return status === 200 && parts.every((part) => text.includes(part)) && text;
      },
      `${path} to answer with ${parts.join(', ')}`,
    );

  it('is ready, counts its sweep, and lets go of its job when it is asked to end', async () => {
    await until('/readyz', 'worker: ok', 'temporal: ok', 'store: ok');
    await until('/healthz', 'ok');
    const { sweep, finetune } = await world.freeze(STEPS);
    await startSweep(world.lethe, sweep);
    const trainer = await world.training(finetune);
    const text = await until(
      '/metrics',
      'lethe_jobs{state="running"} 1',
      `lethe_stages{sweep="${sweep.sweepId}",state="running"} 1`,
      `lethe_runs{sweep="${sweep.sweepId}",state="running"}`,
      'lethe_queue_wait_seconds_count',
      'lethe_last_look_age_seconds',
      'lethe_store_free_bytes',
    );
    expect(text).not.toContain(world.store.path);
    // The SDK's own: one of its places for activities is taken by the watcher.
    const places = /^temporal_worker_task_slots_available\{[^}]*ActivityWorker[^}]*\} (\d+)$/m.exec(text)?.[1];
    expect(Number(places)).toBe(activitySlots(false) - 1);

    worker.kill('SIGTERM');
    expect(await once(worker, 'exit')).toEqual([0, null]);
    expect(trainersOf(world.store.path).map(({ pid }) => pid)).toEqual([trainer]);
    const launched = jsonLines(log).filter(({ msg, stage }) => msg === 'job launched' && stage === finetune.label);
    expect(launched).toMatchObject([{ sweep: sweep.sweepId, attempt: 1, run: expect.stringContaining('gpt2-d16.') }]);
  });
});

describe('a worker with $LETHE_OTLP_URL', () => {
  it('sends the metrics of the SDK to that collector', async () => {
    const world = await TrainerWorld.create();
    const collector = createServer();
    collector.listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const called = once(collector, 'connection');
    const worker = fork(MAIN, ['worker', '--store', world.store.path], {
      env: { ...process.env, XDG_STATE_HOME: join(world.folder, 'state'), LETHE_OTLP_URL: `grpc://127.0.0.1:${port}` },
      silent: true,
    });
    try {
      const [connection] = (await called) as [Socket];
      connection.destroy();
    } finally {
      worker.kill('SIGKILL');
      collector.close();
      await world.end();
    }
  });
});
