import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { FaultWorld } from '../test/server/fault-world.ts';

/**
 * How long `lethe run` takes on a sweep that is finished, from the command's start to its end: with the server up, and with server and worker down.
 *
 *   node bench/rerun.ts configs/sweeps/smoke.yaml --times 7
 *
 * Goals: less than 3 s, and at most 10 s.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '7' } },
});
const world = new FaultWorld(readFileSync(positionals[0] ?? 'configs/sweeps/smoke.yaml', 'utf8'));
try {
  const first = await world.last('run', world.file);
  if (first.status !== 'completed') throw new Error(`expected a sweep that completes, got ${JSON.stringify(first)}`);
  const up: number[] = [];
  const down: number[] = [];
  for (let time = 0; time < Number(values.times); time += 1) up.push(await again());
  for (let time = 0; time < Number(values.times); time += 1) {
    await world.lethe('stop');
    down.push(await again());
  }
  console.log(`${first.stages} stages; load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`server up:   ${tell(up)}`);
  console.log(`server down: ${tell(down)}`);
} finally {
  await world.end();
}

async function again(): Promise<number> {
  const { code, ms } = await world.lethe('run', world.file);
  if (code !== 0) throw new Error(`expected exit code 0, got ${code}`);
  return ms;
}

function tell(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b).map((ms) => (ms / 1_000).toFixed(2));
  return `median ${sorted[Math.floor(sorted.length / 2)]} s (${sorted.join(' ')})`;
}
