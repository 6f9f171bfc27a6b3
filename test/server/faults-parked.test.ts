import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { StageResult } from '../../src/artifacts/stage-result.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import { stageOf } from '../support/tiny-sweep.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { jsonLines } from './cli-world.ts';
import { FaultWorld, json, namesIn } from './fault-world.ts';

const sweepFile = (reviewSteps: number, seeds: string, review = '') =>
  toySweepFile({ name: 'faulty', seeds, steps: 20, reviewSteps, review });

let world: FaultWorld;
afterEach(() => world.end());

const SEEDS = '1, 2, 3, 4, 5';

/** An update multiplies each weight by -2: beyond floats within 130. */
const EXPLODES = `    weightDecay: 1\n    learningRateFactor: 1000\n    clipNorm: 0\n`;

it('what the same input would meet again parks at once, with class, exit code and the command that goes on', {
  timeout: 300_000,
}, async () => {
  world = new FaultWorld(sweepFile(20, SEEDS));
  expect(await world.last('run', world.file)).toMatchObject({ status: 'completed', jobsStarted: 10 });

  // Other reviews go on from the same finetunes, and three of those are not as they were.
  writeFileSync(world.file, sweepFile(30, SEEDS));
  const { plan } = await loadSweep(world.file);
  const reviewOf = (seed: number) => stageOf(plan, 'review', seed);
  const keyOf = (seed: number) => reviewOf(seed).key;
  const weightsOf = (seed: number) => {
    const key = finetunes()[seed - 1] ?? '';
    const { weights } = json(join(world.stageFolder(key), 'result.json')) as unknown as StageResult;
    return join(world.stageFolder(key), weights?.path ?? '');
  };
  damage(weightsOf(1));
  const missing = readFileSync(weightsOf(2));
  rmSync(weightsOf(2));
  // As from another release: one that the trainer refuses, one that nobody can read.
  const { spec } = reviewOf(3);
  ask(keyOf(3), { ...spec, model: { ...spec.model, heads: 3 } });
  ask(keyOf(4), { format: 'lethe-stage/1' });

  const { code, stdout } = await world.lethe('run', world.file, '--json');
  expect(code).toBe(3);
  const end = jsonLines(stdout).at(-1) as { parked: { label: string; class: string; command: string }[] };
  expect(end).toMatchObject({ status: 'settled', done: 6, stages: 10 });
  const parked = end.parked.map((stage) => [stage.label, stage.class, stage.command]).sort();
  expect(parked).toEqual([
    ['gpt2-d8.review.s1', 'data', expect.stringMatching(/^lethe retry .*gpt2-d8\.review\.s1$/)],
    ['gpt2-d8.review.s2', 'missing-input', expect.stringMatching(/^lethe retry .*gpt2-d8\.review\.s2$/)],
    ['gpt2-d8.review.s3', 'config', expect.stringMatching(/^lethe retry .*gpt2-d8\.review\.s3$/)],
    ['gpt2-d8.review.s4', 'data', expect.stringMatching(/^lethe retry .*gpt2-d8\.review\.s4$/)],
  ]);
  expect([1, 2, 3, 4].map((seed) => attemptsOf(keyOf(seed)))).toEqual([1, 1, 1, 0]);
  expect([1, 2, 3].map((seed) => exitCodeOf(keyOf(seed)))).toEqual([65, 66, 78]);

  // The command is typed after the cause is mended.
  mkdirSync(join(weightsOf(2), '..'), { recursive: true });
  writeFileSync(weightsOf(2), missing);
  const retry =
    end.parked
      .find((stage) => stage.class === 'missing-input')
      ?.command.split(' ')
      .slice(1) ?? [];
  expect(await world.last(...retry)).toMatchObject({ status: 'settled', done: 7 });

  writeFileSync(world.file, sweepFile(300, '5', EXPLODES));
  const diverged = jsonLines((await world.lethe('run', world.file, '--json')).stdout).at(-1);
  expect(diverged).toMatchObject({ status: 'settled', parked: [{ label: 'gpt2-d8.review.s5', class: 'diverged' }] });
});

function finetunes(): string[] {
  const [first] = readdirSync(join(world.store, 'sweeps'));
  const { stages } = json(join(world.store, 'sweeps', first ?? '', 'plan.json')) as unknown as Plan;
  return stages.filter(({ kind }) => kind === 'finetune').map(({ key }) => key);
}

function attemptsOf(key: string): number {
  return namesIn(join(world.stageFolder(key), 'attempts')).length;
}

/** The stage's run.json, before any sweep publishes it. */
function ask(key: string, spec: object): void {
  mkdirSync(world.stageFolder(key), { recursive: true });
  writeFileSync(join(world.stageFolder(key), 'run.json'), JSON.stringify(spec));
}

function exitCodeOf(key: string): unknown {
  return json(join(world.stageFolder(key), 'attempts', '1', 'evidence.json'))?.exitCode;
}

function damage(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length - 5;
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.from([(bytes[at] ?? 0) ^ 0xff]), 0, 1, at);
}
