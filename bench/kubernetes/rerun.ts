import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Store } from '../../src/artifacts/store.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { CliWorld } from '../../test/server/cli-world.ts';
import { toySweepFile } from '../../test/support/toy-sweep-file.ts';
import { ClusterProcess } from './processes.ts';
import { writeClusterFile } from './simulated-world.ts';

/**
 * A sweep in a (simulated) cluster, run again when it is finished, and again after two of its runs were changed: which Jobs are made, and how long the command
 * takes.
 *
 *   node bench/kubernetes/rerun.ts --runs 1000 --times 5
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, times: { type: 'string', default: '5' } },
});
const runs = Number(values.runs);
const world = new CliWorld();
const cluster = new ClusterProcess();
try {
  const clusterFile = await writeClusterFile(world.folder, cluster);
  cluster.order({ kind: 'finish', withinSeconds: 0 });
  writeSweep(Array.from({ length: runs }, (_, index) => index + 1));
  const began = performance.now();
  const first = await world.last('run', world.file, '--yes', '--on', 'kubernetes', '--cluster', clusterFile);
  if (first.status !== 'completed') throw new Error(`expected a sweep that completes, got ${JSON.stringify(first)}`);
  const made = (await cluster.counts()).made.length;
  console.log(`${runs} runs: ${made} Jobs in ${seconds(began)} s, load ${loadavg()[0]?.toFixed(1)}`);
  const times: number[] = [];
  for (let time = 0; time < Number(values.times); time += 1) {
    const { code, ms } = await world.lethe('run', world.file, '--yes');
    if (code !== 0) throw new Error(`expected exit code 0, got ${code}`);
    times.push(ms);
  }
  const again = (await cluster.counts()).made.length - made;
  times.sort((a, b) => a - b);
  const median = ((times[Math.floor(times.length / 2)] ?? 0) / 1_000).toFixed(2);
  console.log(`again: ${again} Jobs, median ${median} s, worst ${((times.at(-1) ?? 0) / 1_000).toFixed(2)} s`);

  // The last two seeds give way to two others.
  writeSweep(Array.from({ length: runs }, (_, index) => (index < runs - 2 ? index + 1 : index + 3)));
  const store = await Store.open(world.store);
  const { plan } = await loadSweep(world.file);
  const results = await Promise.all(plan.stages.map(({ key }) => store.stage(key).result()));
  const lacking = results.filter((result) => result === undefined).length;
  const changed = await world.last('run', world.file, '--yes');
  const launched = (await cluster.counts()).made.length - made;
  console.log(`two runs changed: ${launched} Jobs of ${lacking} stages that lacked a result, ${changed.status}`);
  process.exitCode = again === 0 && launched === lacking && changed.status === 'completed' ? 0 : 1;
} finally {
  cluster.end();
  await world.end();
}

function writeSweep(seeds: readonly number[]): void {
  const sizes = { steps: 20, reviewSteps: 10, anchorStep: 5 };
  writeFileSync(world.file, toySweepFile({ models: 'gpt2-d8', seeds: seeds.join(', '), ...sizes }));
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1_000);
}
