import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRemoteMounts } from '../../src/artifacts/small-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-files-'));
  vi.resetModules();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe.each(['a local disk', 'a network volume'])('on %s', (where) => {
  /** The modules as a process sees them that has the folder on such a disk. */
  async function modules() {
    vi.stubEnv('LETHE_NETWORK_FOLDERS', where === 'a network volume' ? `/nowhere:${folder}` : '');
    const [files, publishing] = await Promise.all([
      import('../../src/artifacts/small-files.ts'),
      import('../../src/artifacts/publish.ts'),
    ]);
    return { ...files, ...publishing };
  }

  it('files, folders and the ends of logs are read alike', async () => {
    const { isRemote, readText, namesIn, foldersIn, statOf, tailOf } = await modules();
    expect(isRemote(join(folder, 'x'))).toBe(where === 'a network volume');
    await mkdir(join(folder, 'inner'));
    await writeFile(join(folder, 'log.txt'), 'first\nsecond\nthird\n');
    expect(await readText(join(folder, 'log.txt'))).toBe('first\nsecond\nthird\n');
    expect((await namesIn(folder)).sort()).toEqual(['inner', 'log.txt']);
    expect(await foldersIn(folder)).toEqual(['inner']);
    expect(await statOf(join(folder, 'log.txt'))).toMatchObject({ size: 19 });
    expect(await tailOf(join(folder, 'log.txt'), 100)).toBe('first\nsecond\nthird\n');
    expect(await tailOf(join(folder, 'log.txt'), 9)).toBe('third\n');
  });

  it('what is not there is undefined or empty, and every other trouble is thrown', async () => {
    const { readText, namesIn, foldersIn, statOf, tailOf } = await modules();
    const none = join(folder, 'none');
    expect([await readText(none), await statOf(none), await tailOf(none, 10)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([await namesIn(none), await foldersIn(none)]).toEqual([[], []]);
    await expect(readText(folder)).rejects.toThrow('EISDIR');
  });

  it('a file is published once, whole, without leftovers', async () => {
    const { publish } = await modules();
    const path = join(folder, 'a/b.json');
    const [first, second] = await Promise.all([publish(path, 'content'), publish(path, 'content')]);
    expect([first.won, second.won].sort()).toEqual([false, true]);
    expect(await publish(path, 'other')).toEqual({ won: false, content: 'content' });
    expect(await readdir(join(folder, 'a'))).toEqual(['b.json']);
  });
});

describe('network volumes', () => {
  it('are known by the type of their file system, blanks in their names and all', () => {
    const mounts = [
      '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '30 27 0:30 / /data rw,relatime shared:1 - nfs4 server:/export rw,vers=4.2',
      '31 27 0:31 / /mnt/my\\040share rw - cifs //server/share rw',
      '32 27 0:32 / /scratch rw - tmpfs tmpfs rw',
      '33 27 0:33 / /remote rw - fuse.sshfs host: rw',
    ];
    expect(parseRemoteMounts(mounts.join('\n'))).toEqual(['/data/', '/mnt/my share/', '/remote/']);
  });
});
