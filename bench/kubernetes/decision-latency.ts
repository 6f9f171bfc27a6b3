import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { freezeNoopSweep } from '../noop-sweep.ts';
import { SimulatedWorld } from './simulated-world.ts';
import { spread } from './spread.ts';

/**
 * From the moment at which the API server knows that a job is over to the decision, published as evidence.json; with watches, and without any (`--no-watch`:
 * looks at every `pollSeconds` alone, 20 s).
 *
 *   node bench/kubernetes/decision-latency.ts --jobs 100 --no-watch
 */
const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '100' }, 'no-watch': { type: 'boolean', default: false } },
});
const jobs = Number(values.jobs);
const world = await SimulatedWorld.create();
try {
  const sweep = await freezeNoopSweep(world.store, { name: 'noop', firstSeed: 1, runs: jobs });
  await startSweep(world.lethe, sweep);
  await world.untilRunning(jobs);
  if (values['no-watch']) world.cluster.order({ kind: 'no-watches' });
  await sleep(10_000);
  world.cluster.order({ kind: 'finish', withinSeconds: 60 });
  const { status } = await awaitSweep(world.lethe, sweep);
  const { ends } = await world.cluster.counts();
  const waits = Object.entries(ends).map(([folder, ended]) => statSync(join(folder, 'evidence.json')).mtimeMs - ended);
  const watch = !values['no-watch'];
  const figures = { jobs, status, watch, ...spread(waits), load: loadavg()[0] };
  console.log(JSON.stringify(figures));
  process.exitCode = status === 'completed' && waits.length === jobs ? 0 : 1;
} finally {
  await world.end();
}
