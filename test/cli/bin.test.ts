import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeProgram } from '../../src/cli/program.ts';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { lethe } from './lethe-command.ts';

const folders: string[] = [];
function setup(): { folder: string; store: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bin-'));
  folders.push(folder);
  return { folder, store: join(folder, 'store') };
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('bin/lethe', () => {
  it('shows its help', () => {
    const { stdout } = spawnSync(join(projectFolder, 'bin', 'lethe'), ['--help'], { encoding: 'utf8' });
    expect(stdout.match(/^Commands:$/gm)).toHaveLength(1);
  });

  it('has a description and an example for every command', async () => {
    for (const command of makeProgram().commands) {
      const { code, stdout } = await lethe([command.name(), '--help']);
      expect(code).toBe(0);
      expect(command.description().length).toBeGreaterThan(10);
      expect(stdout).toMatch(new RegExp(`Examples?:\n  lethe ${command.name()}`));
    }
  });

  it('says in a sentence what to do when set-up is missing', async () => {
    const { folder } = setup();
    mkdirSync(join(folder, 'bin'));
    cpSync(join(projectFolder, 'bin', 'lethe'), join(folder, 'bin', 'lethe'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const { status, stderr } = spawnSync(join(folder, 'bin', 'lethe'), ['status'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/expected Node 24 at .*npm run setup/);
  });

  it.each([
    [['stauts'], /Did you mean status/],
    [['plan'], /missing required argument/],
    [['plan', 'quickstart', '--jsno'], /Did you mean --json/],
    [['run', 'quickstart', '--slots', 'many'], /--slots: expected a whole number from 1 to 500, got "many"/],
    [['run', 'quickstart', '--on', 'moon'], /--on: expected local or kubernetes, got "moon"/],
    [['run', 'quickstart', '--on', 'kubernetes'], /expected --cluster FILE with the settings/],
    [['run', 'quickstart', '--cluster', 'cluster.yaml'], /--cluster: expected together with --on kubernetes/],
    [['run', 'quickstart', '--on', 'kubernetes', '--cluster', 'package.json'], /package\.json: .*(image|Unrecognized)/],
    [['plan', 'quikstart'], /Did you mean .*quickstart/],
  ])('ends with exit 2 and a hint for %j', async (args, hint) => {
    const { store } = setup();
    const { code, stderr } = await lethe(args, { LETHE_STORE: store });
    expect(code).toBe(2);
    expect(stderr).toMatch(hint);
    expect(existsSync(store)).toBe(false);
  });

  it.each(['status', 'watch', 'ui', 'stop'])(
    '"%s" without a store ends with exit 2 and makes none',
    async (command) => {
      const { store } = setup();
      const { code, stderr } = await lethe([command], { LETHE_STORE: store });
      expect(code).toBe(2);
      expect(stderr).toMatch(/there is none yet.*lethe run/s);
      expect(existsSync(store)).toBe(false);
    },
  );
});

describe('a wrong sweep file', () => {
  it.each(['plan', 'run'])('gets all its errors at once from "%s", exit 2, and nothing is created', async (command) => {
    const { folder, store } = setup();
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'name: Wrong Name\nmodels: [gpt2-d23]\narms: [forgeting]\nseeds: []\n');
    const { code, stdout, stderr } = await lethe([command, file, '--store', store, '--json']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/wrong\.yaml:1: name: .*\n/);
    expect(stderr).toMatch(/wrong\.yaml:2: models\[0\].*did you mean/);
    expect(stderr).toMatch(/wrong\.yaml:3: arms\[0\].*did you mean "forgetting"/);
    expect(readdirSync(folder)).toEqual(['wrong.yaml']);
  });
});

describe('lethe plan', () => {
  it('prints one JSON object that holds runs, stages and keys, and creates nothing', async () => {
    const { folder, store } = setup();
    const { code, stdout } = await lethe(['plan', 'smoke', '--json', '--store', store]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const plan = JSON.parse(lines[0]!);
    expect(plan.sweep).toBe(`smoke~${plan.planHash.slice(0, 12)}`);
    expect(
      plan.stages.every((stage: { key: string; done: boolean }) => /^[0-9a-f]{64}$/.test(stage.key) && !stage.done),
    ).toBe(true);
    expect(plan.rate.because).toMatch(/GFLOP\/s a core/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('knows what is done already', async () => {
    const { store } = setup();
    const before = JSON.parse((await lethe(['plan', 'smoke', '--json', '--store', store])).stdout);
    const { key } = before.stages[0];
    mkdirSync(join(store, 'stages', key), { recursive: true });
    writeFileSync(join(store, 'stages', key, 'result.json'), '{}');
    const after = JSON.parse((await lethe(['plan', 'smoke', '--json', '--store', store])).stdout);
    expect(
      after.stages.filter((stage: { done: boolean }) => stage.done).map((stage: { key: string }) => stage.key),
    ).toEqual([key]);
    expect(after.total.stagesDone).toBe(1);
  });
});

describe('a sweep that cannot fit', () => {
  it.each(['plan', 'run'])('is refused by "%s" with what it needs and what there is', async (command) => {
    const { folder, store } = setup();
    const file = join(folder, 'large.yaml');
    const smoke = readFileSync(join(projectFolder, 'configs', 'sweeps', 'smoke.yaml'), 'utf8');
    const models = 'models: [llama-d32, llama-d64, llama-13b]';
    writeFileSync(file, `${smoke.replace(/^models: .*$/m, models)}\nresources: { memory: 1GiB }\n`);
    const { code, stdout, stderr } = await lethe([command, file, '--store', store]);
    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(
      /llama-13b needs at least \d+ GiB to train one sequence at a time; the sweep file allows 1\.00 GiB/,
    );
    expect(readdirSync(folder)).toEqual(['large.yaml']);
  });
});
