import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { freezeNoopSweep } from '../noop-sweep.ts';
import { cpuSeconds } from './processes.ts';
import { SimulatedWorld } from './simulated-world.ts';

/**
 * Thousands of jobs at once under one worker, on a simulated API server; the worker is killed three times at random moments: while they are launched, while all
 * run, and while they end. Tells memory, CPU and requests, and whether a job was lost or made twice.
 *
 *   node bench/kubernetes/concurrent-jobs.ts --jobs 2000 --steady 120 --kills 3
 */
const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '2000' },
    steady: { type: 'string', default: '120' },
    kills: { type: 'string', default: '3' },
  },
});
const jobs = Number(values.jobs);
const SWEEP = 500;
const began = performance.now();
const say = (text: string) => console.log(`${Math.round((performance.now() - began) / 1_000)} s: ${text}`);

const world = await SimulatedWorld.create();
const { cluster, store, lethe, temporal } = world;
const peaks: number[] = [];
let kills = Number(values.kills);
try {
  const sweeps = [];
  for (let first = 1; first <= jobs; first += SWEEP)
    sweeps.push(
      await freezeNoopSweep(store, {
        name: `noop-${first}`,
        firstSeed: first,
        runs: Math.min(SWEEP, jobs - first + 1),
      }),
    );
  for (const sweep of sweeps) await startSweep(lethe, sweep);
  const killAt = Math.round(jobs * (0.2 + 0.6 * Math.random()));
  await world.untilRunning(killAt);
  await killWorker(`after ${killAt} launches`);
  await world.untilRunning(jobs);
  say(`${jobs} jobs run, load ${loadavg()[0]?.toFixed(1)}`);
  const takenUp = await untilWatched(jobs);
  say(`all watched again ${takenUp} s later`);
  await steady();
  await sleep(Math.random() * 20_000);
  await killWorker('while all run');
  say(`all watched again ${await untilWatched(jobs)} s later`);
  cluster.order({ kind: 'finish', withinSeconds: 60 });
  await sleep(Math.random() * 60_000);
  await killWorker('while they end');
  const ends = await Promise.all(sweeps.map((sweep) => awaitSweep(lethe, sweep)));
  say(`ended: ${ends.map(({ status }) => status).join(', ')}`);
  const { made, finished, calls } = await cluster.counts();
  peaks.push(world.worker.peakMiB);
  const figures = {
    jobs,
    made: made.length,
    twice: made.length - new Set(made).size,
    finished,
    results: await world.results(),
    deletions: calls['delete jobs'] ?? 0,
    peakMiB: peaks,
    calls,
  };
  console.log(JSON.stringify(figures));
  const whole = figures.made === jobs && figures.results === jobs && figures.twice === 0 && figures.deletions === 0;
  process.exitCode = whole && ends.every(({ status }) => status === 'completed') ? 0 : 1;
} finally {
  await world.end();
}

/** Seconds until every job has a watcher again: those of a killed worker are given up after their heartbeat timeout. */
async function untilWatched(count: number): Promise<number> {
  const since = performance.now();
  while ((await world.worker.watched()) < count) await sleep(1_000);
  return Math.round((performance.now() - since) / 1_000);
}

async function steady(): Promise<void> {
  const seconds = Number(values.steady);
  const [before, cpu, serverCpu] = [await cluster.counts(), world.worker.cpuSeconds, cpuSeconds(temporal.pid)];
  await sleep(seconds * 1_000);
  const after = await cluster.counts();
  const calls = Object.entries(after.calls).map(([name, count]) => [name, count - (before.calls[name] ?? 0)] as const);
  const all = calls.reduce((sum, [, count]) => sum + count, 0);
  const minutes = seconds / 60;
  console.log(
    JSON.stringify({
      steadySeconds: seconds,
      callsPerMinute: Object.fromEntries(calls.map(([name, count]) => [name, Number((count / minutes).toFixed(1))])),
      callsPerJobMinute: Number((all / minutes / jobs).toFixed(4)),
      workerCpuShare: Number(((world.worker.cpuSeconds - cpu) / seconds).toFixed(3)),
      temporalCpuShare: Number(((cpuSeconds(temporal.pid) - serverCpu) / seconds).toFixed(3)),
      peakMiB: world.worker.peakMiB,
      load: loadavg()[0],
    }),
  );
}

async function killWorker(when: string): Promise<void> {
  if (kills === 0) return;
  kills -= 1;
  peaks.push(world.worker.peakMiB);
  await world.worker.kill('SIGKILL');
  say(`worker killed ${when}, at its peak ${peaks.at(-1)} MiB`);
  world.startWorker();
}
