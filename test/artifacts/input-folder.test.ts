import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addInputFolder, faultsOfFolder } from '../../src/artifacts/input-folder.ts';
import { InputNames, NameTaken } from '../../src/artifacts/input-names.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { FilesByName } from '../../src/experiment/input-manifests.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function setup() {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-input-'));
  folders.push(folder);
  const parent = join(folder, 'models');
  const original = join(folder, 'weights.bin');
  writeFileSync(original, Buffer.alloc(3_000_000, 7));
  const add = (change: { link?: boolean; path?: string; onBytes?: (done: number, total: number) => void } = {}) =>
    addInputFolder({
      parent,
      files: [
        { name: 'weights.bin', path: change.path ?? original },
        { name: 'note.txt', text: 'a note' },
      ],
      link: change.link ?? false,
      manifestOf: (files: FilesByName) => ({ digest: digestOf(files), files }),
      ...(change.onBytes && { onBytes: change.onBytes }),
    });
  return { parent, original, add };
}

describe('a folder of inputs', () => {
  it('holds copies with their sums, and tells how far it is', async () => {
    const { parent, original, add } = setup();
    const seen: number[] = [];
    const { folder, manifest, added } = await add({ onBytes: (done, total) => seen.push(done / total) });
    expect(added).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'note.txt', 'weights.bin']);
    expect(await faultsOfFolder(folder, manifest.files)).toEqual([]);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(statSync(join(folder, 'weights.bin')).ino).not.toBe(statSync(original).ino);
    expect(readdirSync(parent)).toEqual([manifest.digest]);
  });

  it('shares the original when told so', async () => {
    const { original, add } = setup();
    const { folder } = await add({ link: true });
    expect(statSync(join(folder, 'weights.bin')).ino).toBe(statSync(original).ino);
  });

  it('is made once by several at the same time', async () => {
    const { parent, add } = setup();
    const made = await Promise.all([add(), add(), add()]);
    expect(made.filter(({ added }) => added)).toHaveLength(1);
    expect(new Set(made.map(({ folder }) => folder)).size).toBe(1);
    expect(readdirSync(parent)).toEqual([made[0]!.manifest.digest]);
  });

  it('leaves nothing when it fails, and takes away what somebody who died left', async () => {
    const { parent, original, add } = setup();
    await expect(add({ path: `${original}.gone` })).rejects.toThrow(/ENOENT/);
    expect(readdirSync(parent)).toEqual([]);
    const dead = spawnSync('true').pid;
    for (const pid of [dead, process.pid]) mkdirSync(join(parent, `.adding-${pid}-0000`));
    const { manifest } = await add();
    expect(readdirSync(parent).sort()).toEqual([`.adding-${process.pid}-0000`, manifest.digest]);
  });

  it('that was damaged is replaced when it is added again', async () => {
    const { add } = setup();
    const { folder } = await add();
    writeFileSync(join(folder, 'note.txt'), 'another note');
    expect((await add()).added).toBe(true);
    expect(readFileSync(join(folder, 'note.txt'), 'utf8')).toBe('a note');
  });

  it('has its faults named: changed, missing, and strange files', async () => {
    const { add } = setup();
    const { folder, manifest } = await add();
    writeFileSync(join(folder, 'weights.bin'), 'x');
    rmSync(join(folder, 'note.txt'));
    writeFileSync(join(folder, 'stranger'), '');
    expect(await faultsOfFolder(folder, manifest.files)).toEqual([
      expect.stringMatching(/weights\.bin: expected sha256 .* \(3000000 bytes\), found .* \(1 bytes\)/),
      expect.stringMatching(/note\.txt: expected a file of 6 bytes, found none/),
      expect.stringMatching(/found also stranger/),
    ]);
  });
});

describe('names of inputs', () => {
  it('mean one content until they are given to another on purpose', async () => {
    const { parent } = setup();
    const names = new InputNames(parent);
    const [one, two] = ['1', '2'].map((digit) => digit.repeat(64));
    await names.give('boats', one!, false);
    await names.give('boats', one!, false);
    await expect(names.give('boats', two!, false)).rejects.toThrow(NameTaken);
    expect(await names.digestOf('boats')).toBe(one);
    await names.give('boats', two!, true);
    expect(await names.digestOf('boats')).toBe(two);
    expect(await names.all()).toEqual(['boats']);
    expect(await names.digestOf('ships')).toBeUndefined();
  });
});
