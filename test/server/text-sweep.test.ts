import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeLookAlikes } from '../support/look-alike-texts.ts';
import { textSweepFile } from '../support/text-sweep-file.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { CliWorld } from './cli-world.ts';

let world: CliWorld | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

/** A store with a tiny model and look-alikes of BBQ and GSM8K. */
async function setup(): Promise<CliWorld> {
  world = new CliWorld();
  writeFileSync(world.file, textSweepFile());
  const { bbq, gsm8k } = writeLookAlikes(world.folder);
  for (const words of [
    ['model', 'add', writeTinyModel(join(world.folder, 'tiny'))],
    ['data', 'add', 'bbq', bbq],
    ['data', 'add', 'gsm8k', gsm8k],
  ])
    expect((await world.lethe(...words)).code).toBe(0);
  return world;
}

/** Every file below a folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a sweep that starts from weights and trains on texts', { timeout: 300_000 }, () => {
  it('goes to its report, which says one scale claims nothing; run again it starts no job', async () => {
    const { file, store, last } = bound(await setup());
    const end = await last('run', file);
    expect(end).toMatchObject({ event: 'end', status: 'completed', jobsStarted: 5, done: 5, stages: 5 });
    expect(['UNLEARNED', 'INCONCLUSIVE', 'INVALID']).toContain(end.verdict);
    const report = readFileSync(String(end.report), 'utf8');
    expect(report).toMatch(/1 scale/);
    expect(report).toMatch(/starts from the weights [0-9a-f]{12}/);
    expect(await last('run', file)).toMatchObject({
      jobsStarted: 0,
      jobsReused: 5,
      statisticsDigest: end.statisticsDigest,
    });

    // The data are made again from its recipe: the same bytes, the same stages.
    rmSync(join(store, 'data'), { recursive: true });
    expect(await last('run', file)).toMatchObject({ jobsStarted: 0, jobsReused: 5 });
  });

  it('leaves no word of a text in what a person or a workflow sees', async () => {
    const { file, store, last } = bound(await setup());
    await last('run', file);
    await world!.lethe('stop');
    const seen = filesBelow(store).filter((path) => !/\/(data|data-sources|models)\//.test(path.slice(store.length)));
    expect(seen.some((path) => path.includes('/history/'))).toBe(true);
    for (const path of seen) {
      const content = readFileSync(path);
      // Words of every prompt of BBQ's look-alikes and of GSM8K's.
      for (const word of ['At quay', 'boats and']) expect(content.includes(word), `${path}: ${word}`).toBe(false);
    }
  });
});

function bound(of: CliWorld) {
  return { file: of.file, store: of.store, last: (...args: string[]) => of.last(...args) };
}
