import type { Buffer } from 'node:buffer';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { messageOf } from '../../experiment/message-of.ts';

/** Thrown when bytes are no tar archive, or one that may not be unpacked here. */
export class BadTar extends Error {
  override readonly name = 'BadTar';
}

export interface UnpackedEntry {
  /** Plain parts with slashes between: leads nowhere but down. */
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** To be read to its end before the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

/** A block of zeros ends an archive. */
const BLOCK = 512;
const PART = /^[A-Za-z0-9_~][A-Za-z0-9._~-]*$/;

/** The files of a tar archive as they come. Throws `BadTar` for what is damaged, cut off, longer than `mostBytes`, or named to lead out of a folder. */
export async function* unpackTar(archive: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<UnpackedEntry> {
  const files = extract();
  let lost: unknown;
  async function* sent(): AsyncGenerator<Uint8Array> {
    // Not by `yield*`: an archive that is given up is not closed here, its sender may be waiting to be told why.
    const pieces = archive[Symbol.asyncIterator]();
    let zeros = 0;
    try {
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
        const ending = zerosAtEnd(next.value);
        zeros = ending === next.value.length ? zeros + ending : ending;
        yield next.value;
      }
      // The library takes an archive that was cut between two files for a whole one.
      if (zeros < BLOCK) throw new BadTar('expected the end of a tar archive, it ends too soon');
    } catch (error) {
      lost = error;
      throw error;
    }
  }
  async function* told<T>(from: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* from;
    } catch (error) {
      // What befell the sender comes before what follows from it.
      throw lost ?? new BadTar(`expected a tar archive, got one that is damaged or ends too soon: ${messageOf(error)}`);
    }
  }
  // It fails when the files do, and they say it.
  pipeline(sent(), files).catch(() => undefined);
  let left = mostBytes;
  for await (const file of told(files)) {
    const { name, size = 0, mtime = new Date(0) } = checked(file.header);
    left -= size;
    if (left < 0) throw new BadTar(`expected an archive of at most ${mostBytes} bytes, got a longer one (at ${name})`);
    yield { name, bytes: size, mtimeMs: mtime.getTime(), content: told(file as AsyncIterable<Buffer>) };
    file.resume();
  }
}

function zerosAtEnd(piece: Uint8Array): number {
  let count = 0;
  while (count < piece.length && piece[piece.length - 1 - count] === 0) count += 1;
  return count;
}

function checked(header: Header): Header {
  const { name, type } = header;
  if (type !== 'file') throw new BadTar(`expected plain files, got ${JSON.stringify(name)}, a ${type}`);
  if (!name.split('/').every((part) => PART.test(part)))
    throw new BadTar(`expected plain names with slashes between, got ${JSON.stringify(name)}`);
  return header;
}
