import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';

/** What goes into an archive: a file of the disk, of which `bytes` from `start` on are taken, or content in memory. */
export interface TarEntry {
  /** Relative, with slashes: `attempts/1/evidence.json`. */
  readonly name: string;
  readonly mtimeMs: number;
  readonly content: Uint8Array | StoredContent;
}

interface StoredContent {
  readonly path: string;
  readonly bytes: number;
  readonly start?: number;
}

/** A tar archive of the entries, piece by piece; files are read as they are needed, so it holds few pieces in memory. Throws when a file became shorter meanwhile. */
export async function* packTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  const archive = pack();
  packAll(archive, entries).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  yield* archive as AsyncIterable<Uint8Array>;
}

async function packAll(archive: Pack, entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): Promise<void> {
  for await (const { name, mtimeMs, content } of entries) {
    const inMemory = content instanceof Uint8Array;
    const size = inMemory ? content.length : content.bytes;
    await pipeline(inMemory ? [content] : pieces(content), archive.entry({ name, size, mtime: new Date(mtimeMs) }));
  }
}

async function* pieces({ path, bytes, start = 0 }: StoredContent): AsyncGenerator<Uint8Array> {
  if (bytes === 0) return;
  let read = 0;
  const range = { start, end: start + bytes - 1, highWaterMark: 1 << 18 };
  for await (const piece of createReadStream(path, range) as AsyncIterable<Uint8Array>) {
    read += piece.length;
    yield piece;
  }
  if (read !== bytes)
    throw new Error(`${path}: expected ${bytes} bytes, got ${read}: it became shorter while it was sent`);
}
