import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packTar, type TarEntry } from '../../src/http/tar/pack-tar.ts';
import { unpackTar } from '../../src/http/tar/unpack-tar.ts';

describe('files as a tar archive', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-tar-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const mtimeMs = Date.parse('2026-01-02T03:04:05Z');
  const long = `${'a-long-name/'.repeat(12)}${'x'.repeat(120)}`;
  const inMemory = (name: string, text: string): TarEntry => ({ name, mtimeMs, content: Buffer.from(text) });

  async function packed(...entries: TarEntry[]): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of packTar(entries)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async function unpacked(archive: Buffer, most = 2 ** 20): Promise<Record<string, string>> {
    const files: Record<string, string> = {};
    // In pieces that end anywhere but at a block.
    const sent = async function* () {
      for (let at = 0; at < archive.length; at += 700) yield archive.subarray(at, at + 700);
    };
    for await (const { name, mtimeMs: time, content } of unpackTar(sent(), most)) {
      expect(time).toBe(mtimeMs);
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      files[name] = Buffer.concat(pieces).toString();
    }
    return files;
  }

  /** As the machine's own tar makes one. */
  function madeElsewhere(...args: string[]): Buffer {
    return execFileSync('tar', ['--create', '--directory', folder, ...args]);
  }

  it('holds what tar finds in it: small, empty, of a long name, and a part of a file', async () => {
    writeFileSync(join(folder, 'source'), '0123456789');
    const part = { name: 'part', mtimeMs, content: { path: join(folder, 'source'), start: 2, bytes: 5 } };
    const archive = await packed(inMemory('a/b.json', '{}'), inMemory('empty', ''), inMemory(long, 'long'), part);
    execFileSync('tar', ['--extract', '--directory', folder], { input: archive });
    const found = ['a/b.json', 'empty', long, 'part'].map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(found).toEqual(['{}', '', 'long', '23456']);
    expect(await unpacked(archive)).toEqual({ 'a/b.json': '{}', empty: '', [long]: 'long', part: '23456' });
  });

  it('fails when a file became shorter while it was packed', async () => {
    writeFileSync(join(folder, 'source'), '0123');
    const content = { path: join(folder, 'source'), bytes: 10 };
    await expect(packed({ name: 'short', mtimeMs, content })).rejects.toThrow('expected 10 bytes, got 4');
  });

  it('is refused when it is damaged, cut off, or no archive at all', async () => {
    const archive = await packed(inMemory('a', 'x'.repeat(5_000)));
    await expect(unpacked(archive.subarray(0, 3_000))).rejects.toThrow('ends too soon');
    await expect(unpacked(archive.subarray(0, -1_024))).rejects.toThrow('ends too soon');
    const damaged = Buffer.from(archive);
    damaged[3] = 7;
    await expect(unpacked(damaged)).rejects.toThrow('one that is damaged');
    await expect(unpacked(Buffer.alloc(2_048, 'no archive'))).rejects.toThrow('one that is damaged');
  });

  it('is refused when it leads out of a folder, holds what is no file, or is too long', async () => {
    await expect(unpacked(await packed(inMemory('a/../../b', '')))).rejects.toThrow('expected plain names');
    symlinkSync('/etc', join(folder, 'link'));
    await expect(unpacked(madeElsewhere('link'))).rejects.toThrow('expected plain files, got "link", a symlink');
    mkdirSync(join(folder, 'inner'));
    await expect(unpacked(madeElsewhere('inner'))).rejects.toThrow('expected plain files');
    await expect(unpacked(await packed(inMemory('a', '12345')), 4)).rejects.toThrow('at most 4 bytes');
  });

  it('says what befell its sender rather than that it is cut off', async () => {
    const archive = await packed(inMemory('a', 'x'.repeat(5_000)));
    const sent = async function* () {
      yield archive.subarray(0, 1_000);
      throw new Error('the way is gone');
    };
    const read = async () => {
      for await (const { content } of unpackTar(sent(), 2 ** 20)) for await (const _ of content);
    };
    await expect(read()).rejects.toThrow('the way is gone');
  });

  it('is given up without an end for its sender, who may wait to be told why', async () => {
    const archive = await packed(inMemory('a', 'x'.repeat(2 ** 20)));
    const pieces = (async function* () {
      for (let at = 0; at < archive.length; at += 1_000) yield archive.subarray(at, at + 1_000);
    })();
    for await (const _ of unpackTar({ [Symbol.asyncIterator]: () => pieces }, 2 ** 21)) break;
    expect((await pieces.next()).done).toBe(false);
  });
});
