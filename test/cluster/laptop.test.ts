import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NamedModel, namedModels } from '../../src/artifacts/input-catalog-of-store.ts';
import { type Ended, lethe as runLethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { writeLookAlikes } from '../support/look-alike-texts.ts';
import type { TemporalServer } from '../support/temporal-server.ts';
import { textSweepFile } from '../support/text-sweep-file.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import type { Cluster } from './cluster.ts';
import { type InstalledLethe, installLethe } from './installed-lethe.ts';

/** The command line as on a laptop: a kubeconfig and Temporal's address, and no way to the volume. */
describe('lethe on a machine without the volume', { timeout: 300_000 }, () => {
  let installed: InstalledLethe;
  let folder: string;
  let store: string;
  let cluster: Cluster;
  let temporal: TemporalServer;
  /** Kubeconfig of somebody who may do in the namespace what docs/operations.md lists, and nothing else. */
  let caller: string;
  beforeAll(async () => {
    installed = await installLethe();
    ({ folder, store, cluster, temporal } = installed);
    caller = await callerOf('lethe');
  }, 300_000);
  afterAll(async () => {
    await installed?.stop();
  });

  async function callerOf(namespace: string): Promise<string> {
    const inNamespace = (...args: string[]) => cluster.kubectl(['-n', namespace, ...args]);
    await inNamespace('create', 'serviceaccount', 'caller');
    const rules = [
      { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'delete'] },
    ];
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'caller' }, rules };
    await cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(role));
    await inNamespace('create', 'rolebinding', 'caller', '--role=caller', `--serviceaccount=${namespace}:caller`);
    const token = (await inNamespace('create', 'token', 'caller')).trim();
    const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8'));
    config.users[0].user = { token };
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  /** With a home of its own; `LETHE_STORE` of this machine does not reach it. */
  const lethe = (...args: string[]): Promise<Ended> =>
    runLethe(args, {
      KUBECONFIG: caller,
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      LETHE_STORE: '',
    });

  const SWEEP = () => join(folder, 'toy.yaml');
  const TEXTS = () => join(folder, 'texts.yaml');

  async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + 60_000; ; ) {
      const seen = await look();
      if (seen !== undefined) return seen;
      if (Date.now() > deadline) throw new Error('waited 60 s');
    }
  }

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
    const again = jsonLines((await lethe('run', SWEEP(), '--on', 'kubernetes', '--json', '--yes')).stdout).at(-1);
    expect(again).toMatchObject({ status: 'completed', jobsStarted: 0 });
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

  it('brings a model and data in; a path of this machine is refused with the command for it', async () => {
    writeFileSync(TEXTS(), textSweepFile());
    const refused = await lethe('run', TEXTS(), '--on', 'kubernetes');
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
    const selector = 'app.kubernetes.io/name=lethe-intake';
    expect((await cluster.kubectl(['-n', 'lethe', 'get', 'jobs', '-l', selector, '-o', 'name'])).trim()).toBe('');
  });

  it('fetches a model inside the cluster', async () => {
    const wheel = join(folder, 'other_model-1.0-py3-none-any.whl');
    execFileSync('python3', ['-m', 'zipfile', '-c', wheel, writeTinyModel(join(folder, 'other'), { seed: 2 })]);
    const content = readFileSync(wheel);
    const server = createServer((_, response) => response.end(content)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = await cluster.hostService((server.address() as AddressInfo).port);
    const sum = createHash('sha256').update(content).digest('hex');
    const address = `http://${host}/other_model-1.0-py3-none-any.whl`;
    const wrong = await lethe('model', 'add', `${address}#sha256=${'0'.repeat(64)}`, '--on', 'kubernetes');
    expect(wrong.code, wrong.stderr).toBe(2);
    expect(wrong.stderr).toMatch(/expected sha256 000000000000…/);
    const added = await lethe('model', 'add', `${address}#sha256=${sum}`, '--name', 'other', '--on', 'kubernetes');
    server.close();
    expect(added.code, added.stderr).toBe(0);
    expect(added.stdout).toMatch(/other: added, /);
  });

  it('tells what is parked, and retries it', async () => {
    const [{ manifest }] = (await namedModels(store)).filter(({ name }) => name === 'tiny') as [NamedModel];
    const weights = join(store, 'models', manifest.digest, 'model.safetensors');
    const whole = readFileSync(weights);
    truncateSync(weights, 1_000);
    const settled = await lethe('run', TEXTS(), '--on', 'kubernetes', '--json', '--yes');
    expect(settled.code).toBe(3);
    expect(jsonLines(settled.stdout).at(-1)).toMatchObject({ event: 'end', status: 'settled' });
    const status = jsonLines((await lethe('status', '--on', 'kubernetes', '--json')).stdout).at(-1);
    const rows = status?.rows as readonly { readonly state: string; readonly stage: { readonly reason?: string } }[];
    expect(rows[0]?.state).toBe('parked');
    expect(rows[0]?.stage.reason).toMatch(/^data: /);
    writeFileSync(weights, whole);
    const retried = await lethe('retry', 'boats', '--failed', '--on', 'kubernetes', '--json');
    expect(jsonLines(retried.stdout).at(-1)).toMatchObject({ event: 'end', status: 'completed' });
  });

  it('shows a running job, pauses it, goes on with it and cancels it', async () => {
    const long = join(folder, 'long.yaml');
    writeFileSync(long, toySweepFile({ name: 'long', models: 'gpt2-d32', steps: 40_000, checkpointEvery: 50 }));
    expect((await lethe('run', long, '--on', 'kubernetes', '--detach', '--yes')).code).toBe(0);
    const live = await until(async () => {
      const log = await lethe('logs', 'long/gpt2-d32.forgetting.s1', '--on', 'kubernetes');
      return /step \d+\/40000/.test(log.stdout) ? log : undefined;
    });
    expect(live.stderr).toMatch(/pod of lethe-/);
    const running = await until(async () => {
      const { stdout } = await lethe('status', 'long', '--on', 'kubernetes', '--json');
      const rows = jsonLines(stdout).at(-1)?.rows as readonly { readonly stage: Record<string, unknown> }[];
      return rows[0]?.stage.checkpointAt === undefined ? undefined : rows[0]?.stage;
    });
    expect(running).toMatchObject({ state: 'running', kind: 'finetune', attempt: 1 });
    expect((await lethe('pause', 'long', '--now', '--on', 'kubernetes')).code).toBe(0);
    expect((await lethe('resume', 'long', '--detach', '--on', 'kubernetes')).code).toBe(0);
    expect((await lethe('cancel', 'long', '--on', 'kubernetes')).code).toBe(0);
  });

  it('says why a job waits: no node can hold it, or a quota refuses its pod', async () => {
    const file = join(folder, 'waits.yaml');
    const toy = toySweepFile({ name: 'waits', steps: 61 });
    const reasonOf = (sentence: RegExp) =>
      until(async () => {
        const { stdout } = await lethe('status', 'waits', '--on', 'kubernetes', '--json');
        const rows = jsonLines(stdout).at(-1)?.rows as readonly { readonly stage: { readonly reason?: string } }[];
        return sentence.exec(rows[0]?.stage.reason ?? '')?.[0];
      });
    writeFileSync(file, `${toy}resources: { cores: 400 }\n`);
    expect((await lethe('run', file, '--on', 'kubernetes', '--detach', '--yes')).code).toBe(0);
    expect(await reasonOf(/nodes are available: .* Insufficient cpu/)).toBeDefined();
    expect((await lethe('cancel', 'waits', '--on', 'kubernetes')).code).toBe(0);

    const inNamespace = (...args: string[]) => cluster.kubectl(['-n', 'lethe', ...args]);
    await inNamespace('create', 'quota', 'full', '--hard=pods=1');
    writeFileSync(file, toy);
    expect((await lethe('run', file, '--on', 'kubernetes', '--detach', '--yes')).code).toBe(0);
    expect(await reasonOf(/exceeded quota: full/)).toBeDefined();
    await inNamespace('delete', 'quota', 'full');
    const ended = await lethe('run', file, '--on', 'kubernetes', '--json', '--yes');
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ event: 'end', status: 'completed', parked: [] });
  });

  it('measures the disk and says what nobody needs', async () => {
    const use = jsonLines((await lethe('store', 'du', '--on', 'kubernetes', '--json')).stdout).at(-1);
    expect(Number(use?.freeBytes)).toBeGreaterThan(0);
    const found = jsonLines((await lethe('store', 'gc', '--dry-run', '--on', 'kubernetes', '--json')).stdout).at(-1);
    expect(found).toMatchObject({ removed: false });
  });
});
