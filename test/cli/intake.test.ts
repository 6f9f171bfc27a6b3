import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namedModels, namedSources } from '../../src/artifacts/input-catalog-of-store.ts';
import { Store } from '../../src/artifacts/store.ts';
import { sha256OfFile } from '../../src/artifacts/writer-folder.ts';
import type { IntakeRequest } from '../../src/cli/intake/intake-request.ts';
import { serveIntake } from '../../src/cli/intake/intake-server.ts';
import { type SentFile, sendTo } from '../../src/cli/intake/send-intake.ts';
import { ForwardedHttp } from '../../src/jobs/kubernetes/forwarded-http.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const SILENT = { say: () => {}, bytes: () => {} };

describe('intake into a store', () => {
  let folder: string;
  let store: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-intake-'));
    store = join(folder, 'store');
    await Store.create(store, { address: '127.0.0.1:1', namespace: 'lethe' });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** An intake service as a Job has it, and the way to it. */
  async function listening(): Promise<{ http: ForwardedHttp; taken: Promise<boolean> }> {
    let taken: Promise<boolean> | undefined;
    const port = await new Promise<number>((resolve) => {
      taken = serveIntake({ store, port: 0, waitMs: 20_000, onListening: resolve });
    });
    return { http: new ForwardedHttp(async () => connect(port, '127.0.0.1')), taken: taken! };
  }

  async function sums(path: string): Promise<SentFile[]> {
    return readdirSync(path).map((name) => ({ name, path: join(path, name), bytes: statSync(join(path, name)).size }));
  }

  async function modelRequest(path: string): Promise<{ request: IntakeRequest; files: SentFile[] }> {
    const files = await sums(path);
    const facts = await Promise.all(
      files.map(async ({ name, path: file }) => {
        const { sha256, bytes } = await sha256OfFile(file);
        return [name, { sha256, bytes }] as const;
      }),
    );
    const common = { format: 'lethe-intake/1', kind: 'model', replace: false, named: true } as const;
    return { request: { ...common, name: 'tiny', source: path, files: Object.fromEntries(facts) }, files };
  }

  const left = () => readdirSync(join(store, 'incoming'));

  it('takes a model in whole, under its name, and ends', async () => {
    const { http, taken } = await listening();
    const { request, files } = await modelRequest(writeTinyModel(join(folder, 'tiny')));
    const done = await sendTo(http, request, files, SILENT);
    expect(await taken).toBe(true);
    expect(done).toMatchObject({ name: 'tiny', added: true });
    const [model] = await namedModels(store);
    expect(model).toMatchObject({ name: 'tiny', manifest: { source: join(folder, 'tiny'), licence: 'apache-2.0' } });
    expect(left()).toEqual([]);
  });

  it('fetches a wheel itself, and checks the sum behind its address', async () => {
    const wheel = join(folder, 'tiny_model-1.0-py3-none-any.whl');
    execFileSync('python3', ['-m', 'zipfile', '-c', wheel, writeTinyModel(join(folder, 'tiny'))]);
    const content = readFileSync(wheel);
    const server = createServer((_, response) => response.end(content)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny_model-1.0-py3-none-any.whl`;
    const common = {
      format: 'lethe-intake/1',
      kind: 'model',
      replace: false,
      named: true,
      name: 'tiny',
      files: {},
    } as const;
    const first = await listening();
    const wrong = { ...common, source: `${address}#sha256=${'0'.repeat(64)}` };
    await expect(sendTo(first.http, wrong, [], SILENT)).rejects.toThrow(/expected sha256 000000000000/);
    expect(await first.taken).toBe(false);
    const second = await listening();
    const said: string[] = [];
    const heard = { say: (text: string) => said.push(text), bytes: () => {} };
    const done = await sendTo(second.http, { ...common, source: address }, [], heard);
    server.close();
    expect(await second.taken).toBe(true);
    expect(done).toMatchObject({ name: 'tiny', added: true, manifest: { source: address } });
    expect(said).toContain(`fetching ${address}`);
    expect(left()).toEqual([]);
  });

  it('takes a data source of one file in', async () => {
    const { http, taken } = await listening();
    const path = join(folder, 'mine.jsonl');
    const line = (id: number) =>
      JSON.stringify({
        id: `e${id}`,
        class: id % 2 ? 'safe' : 'unsafe',
        cluster: `c${id}`,
        prompt: 'p',
        response: 'r',
      });
    writeFileSync(path, `${[1, 2, 3, 4].map(line).join('\n')}\n`);
    const { sha256, bytes } = await sha256OfFile(path);
    const request: IntakeRequest = {
      ...({ format: 'lethe-intake/1', kind: 'source', sourceKind: 'jsonl', name: 'mine', replace: false } as const),
      ...{ source: path, single: 'mine.jsonl', files: { 'mine.jsonl': { sha256, bytes } } },
    };
    await sendTo(http, request, [{ name: 'mine.jsonl', path, bytes }], SILENT);
    expect(await taken).toBe(true);
    expect((await namedSources(store)).map(({ name }) => name)).toEqual(['mine']);
  });

  it('adds nothing when a file is not what was announced', async () => {
    const { http, taken } = await listening();
    const { request, files } = await modelRequest(writeTinyModel(join(folder, 'tiny')));
    const wrong = { ...request, files: { ...request.files, 'config.json': { sha256: '0'.repeat(64), bytes: 9 } } };
    await expect(sendTo(http, wrong, files, SILENT)).rejects.toThrow(/config.json: expected sha256 000000000000/);
    expect(await taken).toBe(false);
    expect(await namedModels(store)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('adds nothing when the sender breaks off', async () => {
    const { http, taken } = await listening();
    const { request, files } = await modelRequest(writeTinyModel(join(folder, 'tiny')));
    const cut = files.map((file) => (file.name === 'model.safetensors' ? { ...file, path: '/nowhere' } : file));
    await expect(sendTo(http, request, cut, SILENT)).rejects.toThrow();
    expect(await taken).toBe(false);
    expect(await namedModels(store)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('refuses names that lead out of the store', async () => {
    const { http, taken } = await listening();
    const { request, files } = await modelRequest(writeTinyModel(join(folder, 'tiny')));
    const out = files.map((file) => (file.name === 'config.json' ? { ...file, name: '../../config.json' } : file));
    await expect(sendTo(http, request, out, SILENT)).rejects.toThrow(/plain names/);
    expect(await taken).toBe(false);
  });
});
