import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { publish } from '../../src/artifacts/publish.ts';
import { BadFile, publishJson, readJson, readJsonIfThere } from '../../src/artifacts/read-json.ts';

const RACER = new URL('./support/publish-racer.ts', import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-publish-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a published file', () => {
  it('is there whole, its folders made, without leftovers', async () => {
    expect(await publish(join(folder, 'a/b/c.json'), 'content')).toEqual({ won: true, content: 'content' });
    expect(await readdir(join(folder, 'a/b'))).toEqual(['c.json']);
  });

  it('is the first one: a second publisher gets what stands, and changes nothing', async () => {
    const path = join(folder, 'c.json');
    await publish(path, 'first');
    expect(await publish(path, 'second')).toEqual({ won: false, content: 'first' });
    expect(await readFile(path, 'utf8')).toBe('first');
    expect(await readdir(folder)).toEqual(['c.json']);
  });

  it('has one winner among many, and all others agree with it', async () => {
    const path = join(folder, 'new/c.json');
    const results = await Promise.all(Array.from({ length: 30 }, (_, index) => publish(path, `content ${index}`)));
    expect(results.filter(({ won }) => won)).toHaveLength(1);
    expect(new Set(results.map(({ content }) => content))).toEqual(new Set([await readFile(path, 'utf8')]));
  });

  it('has one winner among processes', async () => {
    const racers = Array.from({ length: 3 }, (_, index) => spawn(process.execPath, [RACER, folder, String(index)]));
    const wins = await Promise.all(
      racers.map(async (racer) => {
        let text = '';
        for await (const piece of racer.stdout) text += String(piece);
        return Number(text);
      }),
    );
    expect(wins.reduce((sum, won) => sum + won, 0)).toBe(50);
  });
});

describe('a JSON file of the store', () => {
  const schema = z.looseObject({ step: z.int(), name: z.string() });

  it('is given as it is when its format holds, fields of a later release too', async () => {
    const path = join(folder, 'file.json');
    await publishJson(path, { step: 3, name: 'x', later: true }, schema);
    expect(await readJson(path, schema)).toEqual({ step: 3, name: 'x', later: true });
  });

  it('is undefined when it is not there, or a BadFile when it has to be', async () => {
    expect(await readJsonIfThere(join(folder, 'none.json'), schema)).toBeUndefined();
    await expect(readJson(join(folder, 'none.json'), schema)).rejects.toThrow(
      'none.json: expected a JSON file, got no file',
    );
  });

  it.each([
    ['', 'expected JSON, got an empty file'],
    ['{"step":', 'expected JSON, got 8 characters that are not'],
    ['{"step":"three","name":"x"}', /step: .*got "three"$/],
    ['{"step":1}', /name: .*got nothing$/],
    ['[1]', /the whole file: .*got \[1\]$/],
  ])('of %j says file, expected and came', async (text, message) => {
    const path = join(folder, 'file.json');
    await writeFile(path, text);
    await expect(readJson(path, schema)).rejects.toThrow(BadFile);
    await expect(readJson(path, schema)).rejects.toThrow(message);
    await expect(readJson(path, schema)).rejects.toThrow(path);
  });

  it('that somebody else published is checked before it is taken', async () => {
    const path = join(folder, 'file.json');
    await writeFile(path, '{}');
    await expect(publishJson(path, { step: 1, name: 'x' }, schema)).rejects.toThrow(BadFile);
  });
});
