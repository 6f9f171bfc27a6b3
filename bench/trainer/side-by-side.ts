import { loadavg } from 'node:os';
import { join } from 'node:path';
import { type Shape, stepOptions } from './compare-steps.ts';
import { median, stolenSeconds } from './measures.ts';
import { Stepper } from './stepper.ts';

/** Prints what two one-thread jobs side by side reach of one alone: one, then both, in turn; 2.0 is the most that two cores can give. */
export async function sideBySide(
  shape: Shape,
  how: { readonly build: string; readonly rounds: number },
): Promise<void> {
  const before = stolenSeconds();
  const options = stepOptions({ ...shape, threads: 1 });
  const jobs = [
    await Stepper.start('first', join(how.build, 'train_bench'), options),
    await Stepper.start('second', join(how.build, 'train_bench'), options),
  ] as const;
  // Enough steps that the ends, where one job waits for the other, do not matter.
  const steps = 20;
  const seconds = async (running: readonly Stepper[]): Promise<number> => {
    const begin = performance.now();
    await Promise.all(
      running.map(async (job) => {
        for (let step = 0; step < steps; step += 1) await job.step();
      }),
    );
    return (performance.now() - begin) / 1000;
  };
  await seconds(jobs);
  const ratios: number[] = [];
  for (let round = 0; round < how.rounds; round += 1) {
    const alone = await seconds([jobs[round % 2]!]);
    ratios.push((2 * alone) / (await seconds(jobs)));
  }
  for (const job of jobs) await job.end();
  console.log(
    `\n${shape.model}, two one-thread jobs side by side: best ${Math.max(...ratios).toFixed(2)} ×, median ${median(ratios).toFixed(2)} × one; load ${loadavg()[0]?.toFixed(1)}, ${(stolenSeconds() - before).toFixed(1)} s stolen`,
  );
}
