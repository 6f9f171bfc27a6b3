import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { type Ended, lethe as runLethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { writeLookAlikes } from '../support/look-alike-texts.ts';
import { textSweepFile } from '../support/text-sweep-file.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { storeVolume } from './store-volume.ts';
import { startTemporalServer, type TemporalServer } from './temporal-server.ts';

/** Of k8s/base: the owner of the store. */
const USER = 65_532;

/** The command line as on a laptop: a kubeconfig and Temporal's address, and no way to the volume. */
describe('lethe on a machine without the volume', { timeout: 300_000 }, () => {
  let folder: string;
  let store: string;
  let cluster: Cluster;
  let temporal: TemporalServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-laptop-'));
    store = mkdtempSync(join(tmpdir(), 'lethe-volume-'));
    chownSync(store, USER, USER);
    const images = ['trainer', 'worker'].map((name) => {
      const archive = join(folder, `${name}.tar`);
      const script = join(projectFolder, 'scripts', 'images', `${name}-image.mjs`);
      execFileSync(process.execPath, [script, archive, `localhost/lethe-${name}:latest`]);
      return archive;
    });
    temporal = await startTemporalServer('lethe');
    cluster = await startCluster({ images });
    await install(await cluster.hostService(temporal.port));
  }, 300_000);
  afterAll(async () => {
    await cluster?.stop();
    temporal?.stop();
    for (const each of [folder, store]) rmSync(each, { recursive: true, force: true });
  });

  async function install(temporalAddress: string): Promise<void> {
    const overlay = join(projectFolder, 'k8s', 'overlays', 'test');
    const manifests = (await cluster.kubectl(['kustomize', overlay])).replace(
      'temporal-frontend.temporal:7233',
      temporalAddress,
    );
    const items = [storeVolume('lethe', store), ...parseAllDocuments(manifests).map((each) => each.toJS() as object)];
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await cluster.kubectl(['-n', 'lethe', 'rollout', 'status', 'deployment/lethe-worker', '--timeout=120s']);
  }

  /** With a home of its own; `LETHE_STORE` of this machine does not reach it. */
  const lethe = (...args: string[]): Promise<Ended> =>
    runLethe(args, {
      KUBECONFIG: cluster.kubeconfig,
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      LETHE_STORE: '',
    });

  const SWEEP = () => join(folder, 'toy.yaml');

  it('runs a sweep from its file to its verdict, and brings the report', async () => {
    writeFileSync(SWEEP(), toySweepFile({ models: 'gpt2-d8', steps: 60, checkpointEvery: 20 }));
    const way = ['--store', 'pvc:lethe-store', '-n', 'lethe', '--temporal', `127.0.0.1:${temporal.port}`];
    const ended = await lethe('run', SWEEP(), ...way, '--json', '--yes');
    expect(ended.stderr).not.toMatch(/does not answer/);
    const end = jsonLines(ended.stdout).at(-1);
    expect(end).toMatchObject({ event: 'end', status: 'completed', parked: [] });
    expect(Number(end?.jobsStarted)).toBeGreaterThan(1);
    expect(existsSync(String(end?.report))).toBe(true);
    expect(String(end?.report).startsWith(folder)).toBe(true);
  });

  it('remembers the way: status and report need no more than the store, or not even that', async () => {
    const status = jsonLines((await lethe('status', '--store', 'pvc:lethe-store', '--json')).stdout).at(-1);
    expect(status).toMatchObject({ phase: 'done', runs: { total: 1, done: 1 } });
    const out = join(folder, 'report');
    const report = await lethe('report', 'toy', '--on', 'kubernetes', '--out', out);
    expect(report.code).toBe(0);
    expect(readdirSync(out)).toContain('index.html');
  });

  it('tells how a run came to be, and what its jobs said', async () => {
    const explained = jsonLines(
      (await lethe('explain', 'gpt2-d8.forgetting.s1', '--on', 'kubernetes', '--json')).stdout,
    );
    expect(explained.at(-1)).toMatchObject({ run: 'gpt2-d8.forgetting.s1' });
    const { stages } = explained.at(-1) as { stages: readonly { state: string; attempts: readonly object[] }[] };
    expect(stages.every(({ state, attempts }) => state === 'done' && attempts.length === 1)).toBe(true);
    const log = await lethe('logs', 'gpt2-d8.forgetting.s1', '--on', 'kubernetes');
    expect(log.code).toBe(0);
  });

  it('brings a model and data in and runs a sweep on them', async () => {
    writeFileSync(join(folder, 'texts.yaml'), textSweepFile());
    const refused = await lethe('run', join(folder, 'texts.yaml'), '--on', 'kubernetes');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('lethe model add PATH --name tiny --store pvc:lethe-store');
    expect(refused.stderr).toContain('lethe data add bbq PATH --store pvc:lethe-store');
    const { bbq, gsm8k } = writeLookAlikes(folder);
    const tiny = writeTinyModel(join(folder, 'tiny'));
    for (const words of [
      ['model', 'add', tiny],
      ['data', 'add', 'bbq', bbq],
      ['data', 'add', 'gsm8k', gsm8k],
    ]) {
      const added = await lethe(...words, '--on', 'kubernetes');
      expect(added.stderr).not.toMatch(/is left/);
      expect(added.code, added.stderr).toBe(0);
      expect(added.stdout).toMatch(/: added, /);
    }
    const again = await lethe('model', 'add', tiny, '--on', 'kubernetes');
    expect(again.stdout).toMatch(/tiny: there already, /);
    const models = jsonLines((await lethe('model', 'list', '--on', 'kubernetes', '--json')).stdout);
    expect(models).toMatchObject([{ name: 'tiny', source: tiny, licence: 'apache-2.0' }]);
    const planned = await lethe('plan', join(folder, 'texts.yaml'), '--on', 'kubernetes');
    expect(planned.code, planned.stderr).toBe(0);
    const ended = await lethe('run', join(folder, 'texts.yaml'), '--on', 'kubernetes', '--json', '--yes');
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ event: 'end', status: 'completed', jobsStarted: 5 });
    const left = await cluster.kubectl([
      '-n',
      'lethe',
      'get',
      'jobs',
      '-l',
      'app.kubernetes.io/name=lethe-intake',
      '-o',
      'name',
    ]);
    expect(left.trim()).toBe('');
  });

  it('measures the disk and says what nobody needs', async () => {
    const use = jsonLines((await lethe('store', 'du', '--on', 'kubernetes', '--json')).stdout).at(-1);
    expect(Number(use?.freeBytes)).toBeGreaterThan(0);
    const found = jsonLines((await lethe('store', 'gc', '--dry-run', '--on', 'kubernetes', '--json')).stdout).at(-1);
    expect(found).toMatchObject({ removed: false });
  });
});
