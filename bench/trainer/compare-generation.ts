import { loadavg } from 'node:os';
import { join } from 'node:path';
import { median, stolenSeconds } from './measures.ts';
import { type Ending, Stepper } from './stepper.ts';

export interface GenerationShape {
  readonly batch: number;
  readonly prompt: number;
  readonly new: number;
  readonly threads: number;
}

/** PyTorch's products in bf16 may take minutes a batch on a CPU without bf16. */
const LONGEST_BATCH = 90;

/**
 * Prints a table: greedy generation from the same folder by ours, its weights kept as fp32 and bf16 (and those of `gguf` as they are stored), and by Transformers' `generate`
 * in fp32 and bf16, in turn. The last line compares the best of either side.
 */
export async function compareGeneration(
  shape: GenerationShape,
  how: {
    readonly build: string;
    readonly python: string;
    readonly folder: string;
    readonly gguf?: string | undefined;
    readonly rounds: number;
  },
): Promise<void> {
  const shared = Object.entries(shape).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const before = stolenSeconds();
  const lethe = (form: string, model: string) =>
    Stepper.start(`lethe ${form}`, join(how.build, 'generate_bench'), [
      ...['--model', model, '--weights', form],
      ...shared,
    ]);
  const transformers = (dtype: string) =>
    Stepper.start(`Transformers ${dtype}`, how.python, [
      ...[join(import.meta.dirname, 'generate_torch.py'), '--model', how.folder, '--dtype', dtype],
      ...shared,
    ]);
  const ours = [await lethe('bf16', how.folder), await lethe('f32', how.folder)];
  if (how.gguf !== undefined) ours.push(await lethe('as-stored', how.gguf));
  const rivals = [await transformers('float32')];
  for (const stepper of [...ours, ...rivals]) await stepper.step(true);
  const narrow = await transformers('bfloat16');
  if (await narrow.warmsUpWithin(LONGEST_BATCH)) rivals.push(narrow);
  else console.log(`\n${narrow.name}: its first batch was not done after ${LONGEST_BATCH} s, and it is left out`);
  const all = [...ours, ...rivals];
  for (let round = 0; round < how.rounds; round += 1) for (const stepper of all) await stepper.step();
  const endings = new Map<Stepper, Ending>();
  for (const stepper of all) endings.set(stepper, await stepper.end());

  const { batch, prompt, threads } = shape;
  console.log(
    `\ngreedy generation, SmolLM2 135M, ${batch} prompts of ${prompt} tokens continued by ${shape.new}, ${threads} threads, ${how.rounds} rounds; load ${loadavg()[0]?.toFixed(1)}, ${(stolenSeconds() - before).toFixed(1)} s stolen`,
  );
  console.log('| | tokens/s best | median | CPU ms a token | peak memory | ready after |');
  console.log('|---|---|---|---|---|---|');
  const tokens = batch * shape.new;
  const seconds = (stepper: Stepper) => stepper.times.map((time) => time.seconds);
  for (const stepper of all) {
    const cells = [
      stepper.name,
      (tokens / Math.min(...seconds(stepper))).toFixed(1),
      (tokens / median(seconds(stepper))).toFixed(1),
      ((1000 * Math.min(...stepper.times.map((time) => time.cpuSeconds))) / tokens).toFixed(2),
      `${((endings.get(stepper)?.peakBytes ?? 0) / 2 ** 30).toFixed(2)} GiB`,
      `${stepper.ready.seconds.toFixed(2)} s`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const fastest = (steppers: readonly Stepper[]) =>
    steppers.reduce((best, stepper) => (median(seconds(stepper)) < median(seconds(best)) ? stepper : best));
  const [our, rival] = [fastest(ours), fastest(rivals)];
  const ratio = Math.min(...seconds(rival)) / Math.min(...seconds(our));
  const paired = median(seconds(rival).map((time, round) => time / seconds(our)[round]!));
  console.log(
    `${our.name} against ${rival.name}: ${ratio.toFixed(2)} × by best, ${paired.toFixed(2)} × by median of pairs`,
  );
}
