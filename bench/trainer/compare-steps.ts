import { loadavg } from 'node:os';
import { join } from 'node:path';
import { median, stolenSeconds } from './measures.ts';
import { type Ending, Stepper } from './stepper.ts';

export interface Shape {
  readonly model: string;
  readonly tuning: 'full' | 'lora';
  readonly batch: number;
  readonly tokens: number;
  /** Tokens without a loss at the start of each sequence; 1: loss on all that can be predicted. */
  readonly prompt: number;
  readonly threads: number;
}

/** The options that train_bench and step_torch.py share. */
export function stepOptions(shape: Shape): string[] {
  const { model, tuning, batch, tokens, prompt, threads } = shape;
  return Object.entries({ model, tuning, batch, tokens, prompt, threads }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
}

/** Prints a table: training steps of ours and of each rival in turn, so that a busy machine slows all of them alike. */
export async function compareSteps(
  shape: Shape,
  how: { readonly build: string; readonly python: string; readonly compile: boolean; readonly rounds: number },
): Promise<void> {
  const options = stepOptions(shape);
  const torch = [join(import.meta.dirname, 'step_torch.py'), ...options];
  const before = stolenSeconds();
  const ours = await Stepper.start('lethe', join(how.build, 'train_bench'), options);
  const rivals = [await Stepper.start('eager', how.python, torch)];
  if (how.compile) rivals.push(await Stepper.start('compiled', how.python, [...torch, '--compile']));
  const all = [ours, ...rivals];
  for (const stepper of all) for (let warm = 0; warm < 2; warm += 1) await stepper.step(true);
  for (let round = 0; round < how.rounds; round += 1) for (const stepper of all) await stepper.step();
  const endings = new Map<Stepper, Ending>();
  for (const stepper of all) endings.set(stepper, await stepper.end());

  const { model, tuning, batch, tokens, prompt, threads } = shape;
  console.log(
    `\n${model} ${tuning}, B=${batch} T=${tokens} loss after ${prompt}, ${threads} threads, ${how.rounds} rounds; load ${loadavg()[0]?.toFixed(1)}, ${(stolenSeconds() - before).toFixed(1)} s stolen`,
  );
  console.log(
    '| | tokens/s best | median | CPU s a step, least | × lethe by best | by median of pairs | by CPU | peak memory | ready after | first step |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  const best = Math.min(...ours.times.map((time) => time.seconds));
  const ourCpu = Math.min(...ours.times.map((time) => time.cpuSeconds));
  for (const stepper of all) {
    const seconds = stepper.times.map((time) => time.seconds);
    const cpu = Math.min(...stepper.times.map((time) => time.cpuSeconds));
    const pairs = seconds.map((time, round) => time / ours.times[round]!.seconds);
    const cells = [
      stepper.name,
      ((batch * tokens) / Math.min(...seconds)).toFixed(0),
      ((batch * tokens) / median(seconds)).toFixed(0),
      cpu.toFixed(4),
      (Math.min(...seconds) / best).toFixed(2),
      median(pairs).toFixed(2),
      (cpu / ourCpu).toFixed(2),
      `${((endings.get(stepper)?.peakBytes ?? 0) / 2 ** 30).toFixed(2)} GiB`,
      `${stepper.ready.seconds.toFixed(1)} s (${stepper.ready.cpuSeconds.toFixed(1)} s CPU)`,
      `${stepper.first?.seconds.toFixed(1)} s`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const { flops = 0, gemm = 1 } = endings.get(ours) ?? {};
  console.log(
    `lethe: ${(flops / best / 1e9).toFixed(0)} of ${(gemm / 1e9).toFixed(0)} GFLOP/s of the machine's product: ${((100 * flops) / best / gemm).toFixed(0)} %`,
  );
}
