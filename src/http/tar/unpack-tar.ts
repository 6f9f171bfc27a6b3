import { Buffer } from 'node:buffer';

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

const BLOCK = 512;
const PART = /^[A-Za-z0-9_~][A-Za-z0-9._~-]*$/;

/** The files of a tar archive as they come. Throws `BadTar` for what is damaged, cut off, longer than `mostBytes`, or named to lead out of a folder. */
export async function* unpackTar(archive: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<UnpackedEntry> {
  const source = new ByteSource(archive);
  let left = mostBytes;
  for (;;) {
    const block = await source.exactly(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const { name, bytes, mtimeMs } = readHeader(block);
    left -= bytes;
    if (left < 0) throw new BadTar(`expected an archive of at most ${mostBytes} bytes, got a longer one (at ${name})`);
    let rest = bytes;
    async function* content(): AsyncGenerator<Buffer> {
      while (rest > 0) {
        const piece = await source.some(rest);
        rest -= piece.length;
        yield piece;
      }
    }
    yield { name, bytes, mtimeMs, content: content() };
    while (rest > 0) rest -= (await source.some(rest)).length;
    await source.exactly((BLOCK - (bytes % BLOCK)) % BLOCK);
  }
  await source.drain();
}

function readHeader(block: Buffer): { readonly name: string; readonly bytes: number; readonly mtimeMs: number } {
  const text = (from: number, to: number) => {
    const field = block.subarray(from, to);
    const end = field.indexOf(0);
    return field.subarray(0, end === -1 ? undefined : end).toString('utf8');
  };
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (Number.parseInt(text(148, 156).trim(), 8) !== sum)
    throw new BadTar('expected the head of a file in a tar archive, got one whose sum is wrong: it is damaged');
  const prefix = text(345, 500);
  const name = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  if (block[156] !== 0x30 && block[156] !== 0)
    throw new BadTar(
      `expected plain files, got ${JSON.stringify(name)} of type ${String.fromCharCode(block[156] ?? 0)}`,
    );
  if (!name.split('/').every((part) => PART.test(part)))
    throw new BadTar(`expected plain names with slashes between, got ${JSON.stringify(name)}`);
  const inBinary = block[124] === 0x80;
  const bytes = inBinary ? Number(block.readBigUInt64BE(128)) : Number.parseInt(text(124, 136).trim(), 8);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new BadTar(`expected the size of ${name}, got none`);
  return { name, bytes, mtimeMs: Number.parseInt(text(136, 148).trim(), 8) * 1000 };
}

/** Bytes as they are asked for, of a stream whose pieces have sizes of their own. */
class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Between 1 and `most` bytes. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) throw new BadTar('expected more of the archive, it ends too soon');
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async exactly(bytes: number): Promise<Buffer> {
    const found: Buffer[] = [];
    for (let left = bytes; left > 0; ) {
      const piece = await this.some(left);
      found.push(piece);
      left -= piece.length;
    }
    return found.length === 1 ? found[0]! : Buffer.concat(found);
  }

  /** Reads to the end: a sender that is cut off while it sends takes that for a failure. */
  async drain(): Promise<void> {
    while (!(await this.#pieces.next()).done);
  }
}
