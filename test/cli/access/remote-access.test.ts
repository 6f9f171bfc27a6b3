import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Store } from '../../../src/artifacts/store.ts';
import { listSweeps, readSweep } from '../../../src/artifacts/stored-sweeps.ts';
import { SweepFolder } from '../../../src/artifacts/sweep-folder.ts';
import { recallStore } from '../../../src/cli/access/remembered-store.ts';
import type { RemoteWay } from '../../../src/cli/access/remote-access.ts';
import { remoteAccess } from '../../../src/cli/access/remote-access.ts';
import { inRanges } from '../../../src/cli/access/store-mirror.ts';
import { freezePlan } from '../../../src/experiment/freeze-plan.ts';
import { type StoreService, startStoreService } from '../../../src/http/store-service.ts';
import type { ApiClient } from '../../../src/jobs/kubernetes/api-client.ts';
import { ForwardedHttp } from '../../../src/jobs/kubernetes/forwarded-http.ts';
import { sampleSweep } from '../../experiment/sample-sweep.ts';

describe('a store in a cluster, from elsewhere', () => {
  let folder: string;
  let store: Store;
  let service: StoreService;
  const said: string[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-remote-'));
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'));
    said.length = 0;
    store = await Store.create(join(folder, 'store'), {
      address: 'temporal-frontend.temporal:7233',
      namespace: 'lethe',
    });
    service = await startStoreService({ store, port: 0, jobs: { memoryLimit: 5 } });
  });
  afterEach(async () => {
    await service.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  function reached(temporal = '127.0.0.1:7') {
    const way: RemoteWay = {
      remembered: { claim: 'lethe-store', namespace: 'lethe', temporal },
      api: undefined as unknown as ApiClient,
      http: new ForwardedHttp(async () => connect(service.port, '127.0.0.1')),
    };
    return remoteAccess(way, (text) => said.push(text));
  }

  async function frozen(name = 'sample') {
    const { plan, planHash } = freezePlan({ ...sampleSweep(), name });
    return SweepFolder.freeze(store, plan, planHash, 'name: sample\n');
  }

  function finish(key: string): void {
    mkdirSync(join(store.stagesPath, key), { recursive: true });
    const record = readFileSync(join(import.meta.dirname, '../../fixtures/stage/result.json'), 'utf8');
    writeFileSync(join(store.stagesPath, key, 'result.json'), record);
  }

  it('has the plans and the id of the store, and Temporal as it is reached from here', async () => {
    const { id, path } = await frozen();
    utimesSync(join(path, 'plan.json'), 1_700_000_000.25, 1_700_000_000.25);
    const here = await reached().open();
    expect(here.id).toBe(store.id);
    expect(here.temporal).toEqual({ address: '127.0.0.1:7', namespace: 'lethe' });
    expect(here.path).not.toBe(store.path);
    const [sweep] = await listSweeps(here);
    expect(sweep).toEqual({ id, frozenAt: new Date(1_700_000_000_250) });
    expect((await readSweep(here, id)).plan).toEqual((await readSweep(store, id)).plan);
    await expect(recallStore('lethe-store')).resolves.toMatchObject({ namespace: 'lethe', storeId: store.id });
  });

  it('forgets a plan that the store has no more', async () => {
    const { id, path } = await frozen();
    await reached().open();
    rmSync(path, { recursive: true });
    await frozen('another');
    const here = await reached().open();
    expect((await listSweeps(here)).map((sweep) => sweep.id)).not.toContain(id);
  });

  it('sees results come and go', async () => {
    const { id } = await frozen();
    const access = reached();
    const here = await access.open();
    const sweep = await readSweep(here, id);
    const [first, second] = sweep.plan.stages;
    finish(first!.key);
    await access.bringResults(sweep);
    const copy = (key: string) => statSync(join(here.stagesPath, key, 'result.json'), { throwIfNoEntry: false });
    expect(copy(first!.key)).toBeDefined();
    expect(copy(second!.key)).toBeUndefined();
    expect(await access.finishedKeys(sweep.plan)).toEqual(new Set([first!.key]));
    rmSync(join(store.stagesPath, first!.key), { recursive: true });
    finish(second!.key);
    await access.bringResults(sweep);
    expect(copy(first!.key)).toBeUndefined();
    expect(copy(second!.key)).toBeDefined();
  });

  it('goes on with what it saw before while the worker does not answer, and says so once', async () => {
    const { id } = await frozen();
    await reached().open();
    const known = { ...(await recallStore('lethe-store')) };
    const deaf = remoteAccess(
      {
        remembered: known,
        api: undefined as unknown as ApiClient,
        http: new ForwardedHttp(async () => {
          throw new Error('no pod');
        }),
      },
      (text) => said.push(text),
    );
    const here = await deaf.open();
    const sweep = await readSweep(here, id);
    await deaf.bringResults(sweep);
    await deaf.bringStages([sweep.plan.stages[0]!.key]);
    expect(said).toEqual([expect.stringMatching(/pvc:lethe-store does not answer \(no pod\)/)]);
  });

  it('says that it cannot be reached when it never was', async () => {
    const http = new ForwardedHttp(async () => {
      throw new Error('no pod');
    });
    const api = undefined as unknown as ApiClient;
    const access = remoteAccess({ remembered: { claim: 'never' }, api, http }, () => {});
    await expect(access.open()).rejects.toThrow('no pod');
  });

  it('places jobs where the worker places them', async () => {
    expect(await reached().cluster({})).toMatchObject({ memoryLimit: 5 });
  });
});

describe('inRanges', () => {
  it('names runs of numbers by their ends', () => {
    expect(inRanges([])).toEqual([]);
    expect(inRanges([0, 1, 2, 5, 9, 10])).toEqual(['0-2,5,9-10']);
    const scattered = Array.from({ length: 1_000 }, (_, index) => 2 * index);
    expect(inRanges(scattered).map((piece) => piece.split(',').length)).toEqual([400, 400, 200]);
  });
});
