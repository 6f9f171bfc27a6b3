import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { freezeNoopSweep } from '../noop-sweep.ts';
import { SimulatedWorld } from './simulated-world.ts';

/**
 * The API server is away while jobs run: nothing may be deleted, started again or counted against a stage.
 *
 *   node bench/kubernetes/outage.ts --jobs 50 --minutes 10
 */
const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '50' }, minutes: { type: 'string', default: '10' } },
});
const jobs = Number(values.jobs);
const world = await SimulatedWorld.create();
try {
  const sweep = await freezeNoopSweep(world.store, { name: 'noop', firstSeed: 1, runs: jobs });
  await startSweep(world.lethe, sweep);
  await world.untilRunning(jobs);
  await sleep(10_000);
  world.cluster.order({ kind: 'outage', on: true });
  await sleep(Number(values.minutes) * 60_000);
  const during = await world.worker.metric('lethe_jobs{state="unreachable"}');
  world.cluster.order({ kind: 'outage', on: false });
  const since = performance.now();
  while ((await world.worker.watched()) < jobs) await sleep(250);
  const seenAgainSeconds = Math.round((performance.now() - since) / 1_000);
  world.cluster.order({ kind: 'finish', withinSeconds: 10 });
  const { status } = await awaitSweep(world.lethe, sweep);
  const { made, calls } = await world.cluster.counts();
  const figures = {
    ...{ jobs, minutes: Number(values.minutes), status, made: made.length, deletions: calls['delete jobs'] ?? 0 },
    ...{ recoveries: made.length - jobs, unreachableAtItsEnd: during, seenAgainSeconds },
    ...{ results: await world.results(), load: loadavg()[0] },
  };
  console.log(JSON.stringify(figures));
  const clean = figures.recoveries === 0 && figures.deletions === 0 && figures.results === jobs;
  process.exitCode = clean && status === 'completed' ? 0 : 1;
} finally {
  await world.end();
}
