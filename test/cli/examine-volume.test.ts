import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineVolume } from '../../src/cli/doctor/examine-volume.ts';

describe("the doctor of a store's file system", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lethe-volume-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('tries links, renames, fsync and locks, and leaves nothing behind', async () => {
    const found = 'link, rename, fsync and locks work';
    expect(await examineVolume(folder)).toEqual({ what: 'files', level: 'good', found });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says that a folder cannot be written', async () => {
    const missing = join(folder, 'gone');
    expect(await examineVolume(missing)).toMatchObject({
      level: 'bad',
      found: expect.stringMatching(/cannot be written/),
    });
  });
});
