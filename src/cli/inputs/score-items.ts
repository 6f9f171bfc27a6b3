import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import { z } from 'zod';
import { hasCode } from '../../artifacts/publish.ts';
import { readRows } from '../../data/texts/read-rows.ts';
import { BadInput } from '../exit-codes.ts';

export interface ScoreItem {
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
}

const ITEM = z.looseObject({
  id: z.union([z.string().min(1), z.int()]).transform(String),
  prompt: z.string(),
  response: z.string(),
});

/** The items of a JSON lines file, or of standard input for `-`. Throws `BadInput` or `BadSource`. */
export async function readScoreItems(path: string): Promise<ScoreItem[]> {
  const content = path === '-' ? await readStream(process.stdin) : await contentOf(path);
  return readRows(content, path === '-' ? 'standard input' : path, ITEM).map(({ id, prompt, response }) => ({
    id,
    prompt,
    response,
  }));
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EISDIR'))
      throw new BadInput(`--file: expected a file of items, found none at ${path}`);
    throw error;
  }
}
