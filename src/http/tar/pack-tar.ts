import { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';

/** What goes into an archive: a file of the disk, of which `bytes` from `start` on are taken, or content in memory. */
export interface TarEntry {
  /** Relative, with slashes: `attempts/1/evidence.json`. */
  readonly name: string;
  readonly mtimeMs: number;
  readonly content: Uint8Array | { readonly path: string; readonly bytes: number; readonly start?: number };
}

/** Thrown when a file became shorter while it was packed: what follows would be read from the wrong place. */
export class FileShrank extends Error {
  override readonly name = 'FileShrank';
}

const BLOCK = 512;
const NAME = 100;
const PREFIX = 155;

/** A tar archive (ustar) of the entries, piece by piece; files are read as they are needed, so it holds one piece in memory. */
export async function* packTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const { name, mtimeMs, content } of entries) {
    const bytes = content instanceof Uint8Array ? content.length : content.bytes;
    yield header(name, bytes, mtimeMs);
    if (content instanceof Uint8Array) yield content;
    else yield* pieces(content);
    yield Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function* pieces(content: {
  readonly path: string;
  readonly bytes: number;
  readonly start?: number;
}): AsyncGenerator<Uint8Array> {
  const { path, bytes, start = 0 } = content;
  if (bytes === 0) return;
  let read = 0;
  const range = { start, end: start + bytes - 1, highWaterMark: 1 << 18 };
  for await (const piece of createReadStream(path, range) as AsyncIterable<Buffer>) {
    read += piece.length;
    yield piece;
  }
  if (read !== bytes) throw new FileShrank(`${path}: expected ${bytes} bytes, got ${read}`);
}

function header(name: string, bytes: number, mtimeMs: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { prefix, rest } = splitName(name);
  block.write(rest, 0, 'utf8');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(sizeField(bytes), 124, 'latin1');
  block.write(
    `${Math.floor(mtimeMs / 1000)
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
  );
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(prefix, 345, 'utf8');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Eleven octal digits hold 8 GiB; beyond that the number stands in binary, as GNU tar has it. */
function sizeField(bytes: number): string {
  const octal = bytes.toString(8);
  if (octal.length <= 11) return `${octal.padStart(11, '0')}\0`;
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field.writeBigUInt64BE(BigInt(bytes), 4);
  return field.toString('latin1');
}

function splitName(name: string): { readonly prefix: string; readonly rest: string } {
  if (Buffer.byteLength(name) <= NAME) return { prefix: '', rest: name };
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const [prefix, rest] = [name.slice(0, slash), name.slice(slash + 1)];
    if (Buffer.byteLength(rest) <= NAME && Buffer.byteLength(prefix) <= PREFIX) return { prefix, rest };
  }
  throw new RangeError(
    `expected a name that fits a tar archive (${PREFIX} + ${NAME} bytes), got ${JSON.stringify(name)}`,
  );
}
