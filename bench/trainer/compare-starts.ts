import { loadavg } from 'node:os';
import { join } from 'node:path';
import { median, stolenSeconds } from './measures.ts';
import { Stepper } from './stepper.ts';

/** Prints a line: seconds from the start of the process until the first training step may begin, weights in fp32 from the same folder, in turn. */
export async function compareStarts(how: {
  readonly build: string;
  readonly python: string;
  readonly folder: string;
  readonly rounds: number;
}): Promise<void> {
  const before = stolenSeconds();
  const threads = ['--threads', '2'];
  const lethe = join(how.build, 'train_bench');
  const transformers = join(import.meta.dirname, 'generate_torch.py');
  const times: { readonly ours: number; readonly theirs: number }[] = [];
  // The first round brings both sides' files into memory and does not count.
  for (let round = 0; round <= how.rounds; round += 1) {
    const ours = await ready('lethe', lethe, ['--folder', how.folder, ...threads]);
    const theirs = await ready('Transformers', how.python, [
      transformers,
      '--model',
      how.folder,
      '--train',
      ...threads,
    ]);
    if (round > 0) times.push({ ours, theirs });
  }
  const ours = times.map((time) => time.ours);
  const theirs = times.map((time) => time.theirs);
  console.log(
    `\nready for the first step of SmolLM2 135M from a folder in bf16, ${how.rounds} rounds; load ${loadavg()[0]?.toFixed(1)}, ${(stolenSeconds() - before).toFixed(1)} s stolen`,
  );
  console.log('| | best | median |');
  console.log('|---|---|---|');
  console.log(`| lethe | ${Math.min(...ours).toFixed(3)} s | ${median(ours).toFixed(3)} s |`);
  console.log(`| Transformers | ${Math.min(...theirs).toFixed(2)} s | ${median(theirs).toFixed(2)} s |`);
  console.log(
    `${(Math.min(...theirs) / Math.min(...ours)).toFixed(1)} × sooner by best, ${median(times.map((time) => time.theirs / time.ours)).toFixed(1)} × by median of pairs`,
  );
}

async function ready(name: string, program: string, args: readonly string[]): Promise<number> {
  const stepper = await Stepper.start(name, program, args);
  await stepper.end();
  return stepper.ready.seconds;
}
