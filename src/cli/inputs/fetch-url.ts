import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { freeBytesAt } from '../../artifacts/disk-use.ts';
import { BadInput } from '../exit-codes.ts';

export type OnBytes = (done: number, total: number) => void;

const SHA256 = /^#sha256=([0-9a-f]{64})$/;

/**
 * Fetches `https://host/NAME.gguf#sha256=…` into a folder and returns the file's path. The sum behind `#` is checked when it is there; the file has its name only
 * once it is whole.
 */
export async function fetchUrl(address: string, folder: string, onBytes?: OnBytes): Promise<string> {
  const url = new URL(address);
  const expected = SHA256.exec(url.hash)?.[1];
  if (url.hash !== '' && expected === undefined)
    throw new BadInput(`expected #sha256= and 64 hex digits behind the address, got "${url.hash}"`);
  const name = basename(decodeURIComponent(url.pathname));
  if (!/^[A-Za-z0-9_][A-Za-z0-9._+-]*\.(gguf|whl)$/.test(name))
    throw new BadInput(`expected the address of a file NAME.gguf or NAME.whl, got ${address}`);
  const answer = await fetch(url, { redirect: 'follow' }).catch((error: Error) => {
    throw new BadInput(
      `${url.host} cannot be reached from here: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
  });
  if (!answer.ok || answer.body === null)
    throw new BadInput(`expected ${address}, ${url.host} answered ${answer.status}`);
  const total = Number(answer.headers.get('content-length') ?? 0);
  await mkdir(folder, { recursive: true });
  const free = await freeBytesAt(folder);
  if (total > free) throw new BadInput(`expected room for ${total} bytes in ${folder}, ${free} are free`);
  const hash = createHash('sha256');
  let done = 0;
  const path = join(folder, name);
  const counted = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      hash.update(piece);
      done += piece.length;
      onBytes?.(done, Math.max(done, total));
      yield piece;
    }
  };
  try {
    await pipeline(answer.body, counted, createWriteStream(`${path}.part`));
    const sha256 = hash.digest('hex');
    if (expected !== undefined && sha256 !== expected)
      throw new BadInput(
        `${address}: expected sha256 ${expected.slice(0, 12)}…, got ${sha256.slice(0, 12)}… (${done} bytes)`,
      );
    await rename(`${path}.part`, path);
  } finally {
    await rm(`${path}.part`, { force: true });
  }
  return path;
}
