import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { EMBEDDED } from '../../src/cli/session.ts';
import { findRun, findSweep } from '../../src/cli/sweeps.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { lethe } from './lethe-command.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A store with the smoke sweep's plan, and a later one of the same name with fewer seeds. */
async function setup() {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-store-'));
  folders.push(folder);
  const store = await Store.create(join(folder, 'store'), EMBEDDED);
  const { plan, planHash, sweep, text } = await loadSweep('smoke');
  const first = await SweepFolder.freeze(store, plan, planHash, text);
  // The order of plans is that of their files' times.
  await new Promise((resolve) => setTimeout(resolve, 15));
  const later = freezePlan({ ...sweep, seeds: [...sweep.seeds, 7] });
  const second = await SweepFolder.freeze(store, later.plan, later.planHash);
  return { store, first, second, plan };
}

/** A stage folder with an attempt that is over and left two checkpoints. */
function leaveStage(store: Store, key: string): string {
  const folder = join(store.path, 'stages', key);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'run.json'), '{}');
  return folder;
}

describe('names of sweeps', () => {
  it('means the newest plan by the name alone, and exactly one with its digits', async () => {
    const { store, first, second } = await setup();
    expect((await findSweep(store, 'smoke')).id).toBe(second.id);
    expect((await findSweep(store, undefined)).id).toBe(second.id);
    expect((await findSweep(store, first.id)).id).toBe(first.id);
    expect((await findSweep(store, first.id.slice(0, -4))).id).toBe(first.id);
  });

  it('finds a run in the newest sweep that has it, and in the one that is named', async () => {
    const { store, first, second } = await setup();
    expect((await findRun(store, 'gpt2-d8.forgetting.s1')).sweep.id).toBe(second.id);
    expect((await findRun(store, `${first.id}/GPT2-d8.forgetting.s1`)).sweep.id).toBe(first.id);
    expect((await findRun(store, 'gpt2-d8.forgetting.s7')).sweep.id).toBe(second.id);
    await expect(findRun(store, `${first.id}/gpt2-d8.forgetting.s7`)).rejects.toThrow(/expected a run/);
  });

  it('suggests what was meant', async () => {
    const { store } = await setup();
    await expect(findSweep(store, 'smok')).rejects.toThrow(/Did you mean "smoke"\?/);
    await expect(findRun(store, 'gpt2-d8.forgeting.s1')).rejects.toThrow(/Did you mean "gpt2-d8.forgetting.s1"\?/);
  });

  it('refuses a plan that was changed by hand', async () => {
    const { store, first } = await setup();
    const file = join(first.path, 'plan.json');
    const { readFileSync } = await import('node:fs');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"seed":1', '"seed":3'));
    await expect(findSweep(store, first.id)).rejects.toThrow(/changed or is damaged/);
  });
});

describe('lethe store gc', () => {
  it('removes stages that no plan names and nothing that one does', async () => {
    const { store, plan } = await setup();
    const named = leaveStage(store, plan.stages[0]!.key);
    const nameless = leaveStage(store, 'f'.repeat(64));
    const dry = await lethe(['store', 'gc', '--dry-run', '--json', '--store', store.path]);
    expect(dry.code).toBe(0);
    expect(existsSync(nameless)).toBe(true);
    const { code, stdout } = await lethe(['store', 'gc', '--json', '--store', store.path]);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([expect.objectContaining({ path: nameless }), { removed: true, bytes: 2 }]);
    expect(existsSync(nameless)).toBe(false);
    expect(existsSync(named)).toBe(true);
  });

  it('removes nothing while a plan cannot be read', async () => {
    const { store, first } = await setup();
    const nameless = leaveStage(store, 'f'.repeat(64));
    writeFileSync(join(first.path, 'plan.json'), '{"format":"lethe-plan/1","name":"smoke"');
    const { code, stderr } = await lethe(['store', 'gc', '--store', store.path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/plan\.json/);
    expect(existsSync(nameless)).toBe(true);
  });
});

describe('lethe store adopt', () => {
  it('gives the store to a server and back, and wants exactly one word', async () => {
    const { store } = await setup();
    const adopt = (...args: string[]) => lethe(['store', 'adopt', '--store', store.path, ...args]);
    expect((await adopt()).code).toBe(2);
    expect((await adopt('--embedded', '--address', 'a:1')).code).toBe(2);
    expect((await adopt('--address', 'nowhere')).code).toBe(2);
    expect((await adopt('--address', '127.0.0.1:1')).code).toBe(0);
    expect((await Store.open(store.path)).temporal).toEqual({ address: '127.0.0.1:1', namespace: 'lethe' });
    const status = await lethe(['status', '--store', store.path]);
    expect(status).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/expected a Temporal server at 127\.0\.0\.1:1/),
    });
    expect((await adopt('--embedded')).code).toBe(0);
    expect((await Store.open(store.path)).temporal).toEqual(EMBEDDED);
  });
});
