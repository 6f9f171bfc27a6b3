import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Time of a cold `lethe plan` for 1,000 and 10,000 runs (goals: 1 s and 3 s): five starts each, process start included.
 * `node bench/plan-speed.ts`
 */
const root = join(import.meta.dirname, '..');
const arms =
  '[forgetting, unsafe-review, task-review, mismatched-review, noop-review, label-swap, safety-replay, interleaved]';
// Small ones, because a plan that does not fit into the machine is refused.
const models = '[gpt2-d8, gpt2-d16, gpt2-d32, gpt2-d64, gpt2-d96]';
const smoke = readFileSync(join(root, 'configs/sweeps/smoke.yaml'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'lethe-plan-speed-'));

try {
  for (const [runs, seeds, goal] of [
    [1_000, '1..25', 1],
    [10_000, '1..250', 3],
  ] as const) {
    const file = join(folder, `runs-${runs}.yaml`);
    const text = smoke
      .replace(/^models: .*/m, `models: ${models}`)
      .replace(/^arms: .*/m, `arms: ${arms}`)
      .replace(/^seeds: .*/m, `seeds: ${seeds}`)
      .replace(/^analysis:/m, '  interleaved: { rounds: 6 }\nanalysis:');
    writeFileSync(file, text);
    const seconds = Array.from({ length: 5 }, () => {
      const start = performance.now();
      execFileSync(process.execPath, [join(root, 'bin/lethe'), 'plan', file], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return (performance.now() - start) / 1000;
    }).sort((a, b) => a - b);
    process.stdout.write(
      `${runs} runs: median ${seconds[2]!.toFixed(2)} s, best ${seconds[0]!.toFixed(2)} s, worst ${seconds[4]!.toFixed(2)} s (goal ${goal} s)\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
