import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { BadInput } from '../exit-codes.ts';

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly bytes: number;
  readonly at: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record and the longest comment behind it. */
const END_BYTES = 22 + 0xffff;
const MOST_DIRECTORY = 64 * 2 ** 20;
const FULL_32 = 0xffffffff;

/** Unpacks a zip file (a wheel is one) into a folder, with zip64 and every sum checked. Throws `BadInput` for what is damaged or named to lead out of the folder. */
export async function unzip(path: string, folder: string): Promise<void> {
  await using file = await open(path, 'r');
  for (const entry of await readDirectory(file, path)) {
    if (entry.name.endsWith('/')) continue;
    if (entry.name.startsWith('/') || /\\|\0/.test(entry.name) || entry.name.split('/').includes('..'))
      throw bad(path, `plain names, got ${JSON.stringify(entry.name)}`);
    await extract(file, path, entry, join(folder, entry.name));
  }
}

async function extract(file: FileHandle, path: string, entry: ZipEntry, to: string): Promise<void> {
  const head = await read(file, path, entry.at, 30);
  if (head.readUInt32LE(0) !== LOCAL) throw bad(path, `${entry.name} where its directory says`);
  if (entry.method !== 0 && entry.method !== 8)
    throw bad(path, `${entry.name} stored or deflated, got method ${entry.method}`);
  const start = entry.at + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  await mkdir(dirname(to), { recursive: true });
  let crc = 0;
  let bytes = 0;
  const checked = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      crc = crc32(piece, crc);
      bytes += piece.length;
      if (bytes > entry.bytes) throw bad(path, `${entry.bytes} bytes of ${entry.name}, got more`);
      yield piece;
    }
  };
  const packed: Readable =
    entry.packed === 0 ? Readable.from([]) : createReadStream(path, { start, end: start + entry.packed - 1 });
  if (entry.method === 0) await pipeline(packed, checked, createWriteStream(to));
  else await pipeline(packed, createInflateRaw(), checked, createWriteStream(to));
  if (bytes !== entry.bytes || crc !== entry.crc) throw bad(path, `${entry.name} whole, its sum differs`);
}

async function readDirectory(file: FileHandle, path: string): Promise<ZipEntry[]> {
  const { size } = await file.stat();
  const tail = await read(file, path, Math.max(0, size - END_BYTES), Math.min(size, END_BYTES));
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw bad(path, 'a zip file, found no directory in it');
  let count = tail.readUInt16LE(end + 10);
  let bytes = tail.readUInt32LE(end + 12);
  let at = tail.readUInt32LE(end + 16);
  if (count === 0xffff || bytes === FULL_32 || at === FULL_32) {
    const record = await read(file, path, Number(tail.readBigUInt64LE(end - 20 + 8)), 56);
    if (record.readUInt32LE(0) !== END_64) throw bad(path, 'a zip file, its directory is not where it says');
    count = Number(record.readBigUInt64LE(32));
    bytes = Number(record.readBigUInt64LE(40));
    at = Number(record.readBigUInt64LE(48));
  }
  if (bytes > MOST_DIRECTORY) throw bad(path, `a directory of at most ${MOST_DIRECTORY} bytes, got ${bytes}`);
  const directory = await read(file, path, at, bytes);
  const entries: ZipEntry[] = [];
  for (let offset = 0; entries.length < count; ) {
    if (offset + 46 > directory.length || directory.readUInt32LE(offset) !== ENTRY)
      throw bad(path, `${count} files in its directory, found ${entries.length}`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      directory.readUInt16LE(offset + field),
    );
    const name = offset + 46;
    const extra = directory.subarray(name + nameLength!, name + nameLength! + extraLength!);
    entries.push({
      name: directory.toString('utf8', name, name + nameLength!),
      method: directory.readUInt16LE(offset + 10),
      crc: directory.readUInt32LE(offset + 16),
      ...sizesOf(directory, offset, extra),
    });
    offset = name + nameLength! + extraLength! + commentLength!;
  }
  return entries;
}

/** Numbers that do not fit into 32 bits stand in the extra field 1, in this order, each only when it does not fit. */
function sizesOf(directory: Buffer, offset: number, extra: Buffer): Pick<ZipEntry, 'packed' | 'bytes' | 'at'> {
  let wide = 0;
  while (wide + 4 <= extra.length && extra.readUInt16LE(wide) !== 1) wide += 4 + extra.readUInt16LE(wide + 2);
  let next = wide + 4;
  const take = (field: number) => {
    const narrow = directory.readUInt32LE(offset + field);
    if (narrow !== FULL_32 || next + 8 > extra.length) return narrow;
    next += 8;
    return Number(extra.readBigUInt64LE(next - 8));
  };
  const bytes = take(24);
  const packed = take(20);
  return { bytes, packed, at: take(42) };
}

async function read(file: FileHandle, path: string, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  if (bytesRead !== bytes) throw bad(path, `${bytes} bytes at ${at}, it ends before`);
  return buffer;
}

function bad(path: string, expected: string): BadInput {
  return new BadInput(`${path}: expected ${expected}: it is no whole zip file`);
}
