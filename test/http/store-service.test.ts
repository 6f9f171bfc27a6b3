import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { type StoreService, startStoreService } from '../../src/http/store-service.ts';
import { unpackTar } from '../../src/http/tar/unpack-tar.ts';
import { ForwardedHttp } from '../../src/jobs/kubernetes/forwarded-http.ts';
import { sampleSweep } from '../experiment/sample-sweep.ts';

describe('the service of a store', () => {
  let folder: string;
  let store: Store;
  let service: StoreService;
  let http: ForwardedHttp;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-service-'));
    store = await Store.create(folder, { address: '127.0.0.1:1', namespace: 'lethe' });
    service = await startStoreService({ store, port: 0, jobs: null });
    http = new ForwardedHttp(async () => connect(service.port, '127.0.0.1'));
  });
  afterEach(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function frozen() {
    const { plan, planHash } = freezePlan(sampleSweep());
    return { plan, folder: await SweepFolder.freeze(store, plan, planHash, 'name: sample\n') };
  }

  async function files(path: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const { name, content } of unpackTar(await http.stream(path), 2 ** 30)) {
      let text = '';
      for await (const piece of content) text += piece;
      found[name] = text;
    }
    return found;
  }

  it('says whose store it is', async () => {
    expect(await http.json('/store')).toEqual({
      format: 'lethe-service/1',
      id: store.id,
      freeBytes: expect.any(Number),
      temporal: { address: '127.0.0.1:1', namespace: 'lethe' },
      jobs: null,
    });
  });

  it('gives plans with the names that they have in the store', async () => {
    const { folder: sweep } = await frozen();
    expect(await http.json('/sweeps')).toMatchObject({ sweeps: [{ id: sweep.id }] });
    const given = await files(`/sweeps/${sweep.id}/plan`);
    expect(Object.keys(given)).toEqual([`sweeps/${sweep.id}/plan.json`, `sweeps/${sweep.id}/sweep.yaml`]);
    expect(given[`sweeps/${sweep.id}/plan.json`]).toBe(await readFile(join(sweep.path, 'plan.json'), 'utf8'));
  });

  it('gives the report of the newest plan of a name, and nothing of its folder that is no page or table', async () => {
    const { plan, folder: sweep } = await frozen();
    await expect(http.json(`/sweeps/${plan.name}/report`)).rejects.toThrow(/has no report yet/);
    await mkdir(join(sweep.path, 'report'));
    await writeFile(join(sweep.path, 'report', 'index.html'), '<p>page</p>');
    await writeFile(join(sweep.path, 'report', 'core'), 'memory of a process');
    expect(await files(`/sweeps/${plan.name}/report`)).toEqual({
      [`sweeps/${sweep.id}/report/index.html`]: '<p>page</p>',
    });
  });

  it('gives what tells how a stage came to be, and neither weights nor scores', async () => {
    const { plan } = await frozen();
    const { key } = plan.stages[0]!;
    const writer = join(store.stagesPath, key, 'attempts', '1', 'pod-1');
    await mkdir(join(writer, 'checkpoints', 'step-000001'), { recursive: true });
    await mkdir(join(writer, 'scores'));
    await writeFile(join(writer, 'checkpoints', 'step-000001', 'model.safetensors'), 'weights');
    await writeFile(join(writer, 'scores', 'step-000001.jsonl'), 'scores');
    await writeFile(join(writer, 'from.json'), '{}');
    await writeFile(join(writer, '..', 'log.txt'), `${'x'.repeat(400_000)}\nlast line\n`);
    const given = await files(`/stages/${key}`);
    expect(Object.keys(given).sort()).toEqual([
      `stages/${key}/attempts/1/log.txt`,
      `stages/${key}/attempts/1/pod-1/from.json`,
    ]);
    const log = given[`stages/${key}/attempts/1/log.txt`]!;
    expect(log).toHaveLength(256 * 1024);
    expect(log.endsWith('last line\n')).toBe(true);
  });

  it('knows the stages that are done, by number', async () => {
    const { plan, folder: sweep } = await frozen();
    expect(await http.json(`/sweeps/${sweep.id}/done`)).toEqual({ done: [] });
    const { number, key } = plan.stages[1]!;
    await mkdir(join(store.stagesPath, key), { recursive: true });
    await writeFile(join(store.stagesPath, key, 'result.json'), '{}');
    expect(await http.json(`/sweeps/${sweep.id}/done`)).toEqual({ done: [number] });
    expect(await http.json('/results')).toEqual({ keys: [key] });
  });

  it('measures the disk', async () => {
    const usage = await http.json<{ readonly freeBytes: number; readonly folders: readonly object[] }>('/usage');
    expect(usage.freeBytes).toBeGreaterThan(0);
    expect(usage.folders).toContainEqual({ folder: 'stages', bytes: 0 });
  });

  it.each([
    '/stages/..%2f..%2fetc',
    '/sweeps/..%2f..%2fetc/plan',
    '/sweeps/sample/..%2fplan.json',
    '/store.json',
    '/%E0%A4%A',
    '/',
  ])('refuses %s', async (path) => {
    await frozen();
    await expect(http.json(path)).rejects.toMatchObject({ name: 'ServiceRefused' });
  });

  it('only reads', async () => {
    await expect(http.stream('/store', (async function* () {})())).rejects.toThrow(/only reads/);
  });

  it('is heard on loopback alone', async () => {
    const { networkInterfaces } = await import('node:os');
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4');
    if (outside === undefined) return;
    const elsewhere = new ForwardedHttp(async () => connect(service.port, outside.address));
    await expect(elsewhere.json('/store')).rejects.toThrow(/no answer/);
  });
});
