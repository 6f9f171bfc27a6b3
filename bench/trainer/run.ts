import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePythonVenv } from '../../scripts/setup/python-venv.mjs';
import { type Ending, Stepper } from './stepper.ts';

/**
 * Training steps of the native trainer against PyTorch, Transformers and PEFT: the same shapes, fp32, two threads, a step of each in turn, so that a busy machine
 * slows all of them alike.
 *
 *   npm run bench:trainer [-- --only gpt2-124m:full,smollm2-135m:lora --rounds 6 --no-compile --threads 2]
 *
 * Needs native/build (npm run setup); Python's side lives in an environment that it makes in the user's cache folder ($LETHE_INTEROP_VENV names one).
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    threads: { type: 'string', default: '2' },
    build: { type: 'string', default: join(import.meta.dirname, '..', '..', 'native', 'build') },
    compile: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

interface Shape {
  readonly model: string;
  readonly tuning: 'full' | 'lora';
  readonly batch: number;
  readonly tokens: number;
}

const SHAPES: readonly Shape[] = [
  { model: 'gpt2-124m', tuning: 'full', batch: 4, tokens: 256 },
  { model: 'smollm2-135m', tuning: 'full', batch: 4, tokens: 256 },
  { model: 'smollm2-135m', tuning: 'lora', batch: 4, tokens: 256 },
  { model: 'gpt2-1m', tuning: 'full', batch: 8, tokens: 128 },
  { model: 'llama-1m', tuning: 'full', batch: 8, tokens: 128 },
];

const python = await ensurePythonVenv({ name: 'interop', given: process.env.LETHE_INTEROP_VENV });
const built = spawnSync('cmake', ['--build', values.build, '--target', 'train_bench'], { encoding: 'utf8' });
if (built.status !== 0)
  throw new Error(`expected train_bench to be built in ${values.build}:\n${built.stdout}${built.stderr}`);
const chosen = values.only?.split(',');
for (const shape of SHAPES) {
  if (chosen === undefined || chosen.includes(`${shape.model}:${shape.tuning}`)) await compare(shape);
}

async function compare(shape: Shape): Promise<void> {
  const { model, tuning, batch, tokens } = shape;
  const args = [
    '--model',
    model,
    '--tuning',
    tuning,
    '--batch',
    batch,
    '--tokens',
    tokens,
    '--threads',
    values.threads,
  ];
  const shared = args.map(String);
  const torch = [join(import.meta.dirname, 'step_torch.py'), ...shared];
  const before = stolen();
  const ours = await Stepper.start('lethe', join(values.build, 'train_bench'), shared);
  const rivals = [await Stepper.start('eager', python, torch)];
  if (values.compile) rivals.push(await Stepper.start('compiled', python, [...torch, '--compile']));
  const all = [ours, ...rivals];
  for (const stepper of all) for (let warm = 0; warm < 2; warm += 1) await stepper.step(true);
  const tiny = model.endsWith('1m');
  const rounds = Number(values.rounds) * (tiny ? 10 : 1);
  for (let round = 0; round < rounds; round += 1) for (const stepper of all) await stepper.step();
  const endings = new Map<Stepper, Ending>();
  for (const stepper of all) endings.set(stepper, await stepper.end());

  const { flops = 0, gemm = 1 } = endings.get(ours) ?? {};
  console.log(
    `\n${model} ${tuning}, B=${batch} T=${tokens}, ${values.threads} threads, ${rounds} rounds; load ${loadavg()[0]?.toFixed(1)}, ${(stolen() - before).toFixed(1)} s stolen`,
  );
  console.log(
    '| | tokens/s best | median | CPU s a step, least | × lethe by best | by median of pairs | by CPU | peak memory | ready after | first step |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  for (const stepper of all) {
    const seconds = stepper.times.map((time) => time.seconds);
    const cpu = Math.min(...stepper.times.map((time) => time.cpuSeconds));
    const best = Math.min(...seconds);
    const pairs = seconds.map((time, round) => time / ours.times[round]!.seconds);
    const ourBest = Math.min(...ours.times.map((time) => time.seconds));
    const ourCpu = Math.min(...ours.times.map((time) => time.cpuSeconds));
    const cells = [
      stepper.name,
      ((batch * tokens) / best).toFixed(0),
      ((batch * tokens) / median(seconds)).toFixed(0),
      cpu.toFixed(3),
      (best / ourBest).toFixed(2),
      median(pairs).toFixed(2),
      (cpu / ourCpu).toFixed(2),
      `${((endings.get(stepper)?.peakBytes ?? 0) / 2 ** 30).toFixed(2)} GiB`,
      `${stepper.ready.seconds.toFixed(1)} s (${stepper.ready.cpuSeconds.toFixed(1)} s CPU)`,
      `${stepper.first?.seconds.toFixed(1)} s`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const best = Math.min(...ours.times.map((time) => time.seconds));
  console.log(
    `lethe: ${(flops / best / 1e9).toFixed(0)} of ${(gemm / 1e9).toFixed(0)} GFLOP/s of the machine's product: ${((100 * flops) / best / gemm).toFixed(0)} %`,
  );
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** CPU seconds that the host gave to others, since it began. */
function stolen(): number {
  return Number(readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/)[8]) / 100;
}
