import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadSweep } from '../src/cli/load-sweep.ts';
import { jsonLines } from '../test/server/cli-world.ts';
import { FaultWorld, faultSeed } from '../test/server/fault-world.ts';
import { Saboteur } from '../test/server/saboteur.ts';
import { TrainerWatch } from '../test/server/trainer-watch.ts';

/**
 * Runs a sweep twice in stores of its own, once left alone and once killed at random moments, and tells whether both end alike.
 *
 *   node bench/break-sweep.ts configs/sweeps/quickstart.yaml --kills 6
 *
 * LETHE_FAULT_SEED chooses victims and moments. `--expect DIGEST` spares the undisturbed run.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { kills: { type: 'string', default: '6' }, expect: { type: 'string' } },
});
const file = positionals[0];
if (file === undefined) throw new Error('expected a sweep file, got none');
const { plan } = await loadSweep(file);
const text = readFileSync(file, 'utf8');

let expected = values.expect;
if (expected === undefined) {
  const whole = new FaultWorld(text);
  const began = performance.now();
  const end = await whole.last('run', whole.file);
  expected = String(end.statisticsDigest);
  console.log(`undisturbed: ${seconds(began)} s, ${end.verdict}, ${expected}`);
  await whole.end();
}

const { random } = faultSeed();
const world = new FaultWorld(text);
const watch = new TrainerWatch(world.store);
const began = performance.now();
// A stop rule may end a stage early: its steps are then counted as done at once.
const steps = plan.stages.reduce((sum, { spec }) => sum + (spec.train?.steps ?? 0), 0);
const saboteur = new Saboteur(world, { name: plan.name, steps }, random);
const end = jsonLines(await saboteur.strike(Number(values.kills))).at(-1);
console.log(
  `killed: ${saboteur.blows.map(({ victim, progress }) => `${victim} at ${Math.round(100 * progress)} %`).join(', ')}`,
);
const attempts = world.stages().reduce((sum, stage) => sum + stage.attempts.length, 0);
console.log(
  `disturbed: ${seconds(began)} s, ${end?.verdict}, ${end?.statisticsDigest}, ${attempts} attempts of ${plan.stages.length} stages`,
);
for (const complaint of [...saboteur.complaints, ...watch.wrong]) console.log(`WRONG: ${complaint}`);
watch.end();
await world.end();
const same = end?.statisticsDigest === expected;
console.log(same ? 'the same statistics' : 'OTHER STATISTICS');
process.exitCode = same && saboteur.complaints.length === 0 && watch.wrong.size === 0 ? 0 : 1;

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1_000);
}
