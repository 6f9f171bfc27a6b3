import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePythonVenv } from '../../scripts/setup/python-venv.mjs';
import { compareSteps, type Shape } from './compare-steps.ts';
import { sideBySide } from './side-by-side.ts';

/**
 * The native trainer against PyTorch, Transformers and PEFT: the same shapes, fp32, in turn.
 *
 *   npm run bench:trainer [-- --only gpt2-124m:full,smollm2-135m:lora,side-by-side --rounds 6 --no-compile]
 *
 * Needs native/build (npm run setup); Python's side lives in an environment that it makes in the user's cache folder ($LETHE_INTEROP_VENV names one).
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    build: { type: 'string', default: join(import.meta.dirname, '..', '..', 'native', 'build') },
    compile: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

const large = { batch: 4, tokens: 256, prompt: 1, threads: 2 };
const million = { tuning: 'full', batch: 8, tokens: 128, prompt: 1, threads: 2 } as const;
// Of the quickstart, which trains each of its models on one thread.
const small = { tuning: 'full', batch: 64, tokens: 9, prompt: 5, threads: 1 } as const;
const SHAPES: readonly Shape[] = [
  { model: 'gpt2-124m', tuning: 'full', ...large },
  { model: 'smollm2-135m', tuning: 'full', ...large },
  { model: 'smollm2-135m', tuning: 'lora', ...large },
  { model: 'gpt2-1m', ...million },
  { model: 'llama-1m', ...million },
  ...[32, 64, 96, 192].map((width) => ({ model: `gpt2-w${width}`, ...small })),
];

const chosen = values.only?.split(',');
const wanted = (part: string) => chosen === undefined || chosen.includes(part);
const python = await ensurePythonVenv({ name: 'interop', given: process.env.LETHE_INTEROP_VENV });
const built = spawnSync('cmake', ['--build', values.build, '--target', 'train_bench'], { encoding: 'utf8' });
if (built.status !== 0)
  throw new Error(`expected train_bench to be built in ${values.build}:\n${built.stdout}${built.stderr}`);

for (const shape of SHAPES) {
  if (!wanted(`${shape.model}:${shape.tuning}`)) continue;
  // Steps of milliseconds: more of them for the same noise.
  const rounds = Number(values.rounds) * (shape.batch === large.batch ? 1 : 10);
  await compareSteps(shape, { build: values.build, python, compile: values.compile, rounds });
}
if (wanted('side-by-side'))
  await sideBySide({ model: 'llama-1m', ...million }, { build: values.build, rounds: Number(values.rounds) });
