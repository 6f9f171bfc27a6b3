import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { GGUF_FORMATS } from './gguf-formats.ts';

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

/** The head of a GGUF file: its keys, and the tensors' shapes (slowest first). The tensors themselves are the trainer's, but for one that is a setting. */
export interface GgufHead {
  readonly keys: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  /** By what each rotary frequency is divided: how Llama 3's scaling is written. Absent without the tensor `rope_freqs.weight`. */
  readonly ropeDivisors?: readonly number[];
}

/** Thrown when a file is no GGUF file of version 2 or 3, is cut off, or names counts that it cannot hold. */
export class BadGguf extends Error {
  override readonly name = 'BadGguf';
}

const MOST_KEYS = 100_000;
const MOST_TENSORS = 1_000_000;
const MOST_NESTING = 4;

/** Reads the head of a GGUF file. Nothing is allocated by a count that the rest of the file could not hold. Throws `BadGguf`. */
export function readGgufHead(path: string): GgufHead {
  const cursor = new Cursor(path);
  try {
    if (cursor.text(4) !== 'GGUF') throw cursor.bad('the magic "GGUF" at its start', 'other bytes');
    const version = cursor.u32();
    if (version !== 2 && version !== 3) throw cursor.bad('version 2 or 3', String(version));
    const tensorCount = cursor.count(MOST_TENSORS, 'tensors');
    const keyCount = cursor.count(MOST_KEYS, 'keys');
    const keys = new Map<string, GgufValue>();
    for (let index = 0; index < keyCount; index++) {
      const name = cursor.string();
      keys.set(name, cursor.value(cursor.u32(), 0));
    }
    const places = Array.from({ length: tensorCount }, () => readPlace(cursor));
    const start = aligned(cursor.place, keys.get('general.alignment'));
    for (const place of places) requireWhole(cursor, place, start);
    const tensors = new Map(places.map(({ name, shape }) => [name, shape]));
    const divisors = places.find(({ name }) => name === 'rope_freqs.weight');
    if (divisors === undefined) return { keys, tensors };
    return { keys, tensors, ropeDivisors: readDivisors(cursor, divisors, start) };
  } finally {
    cursor.close();
  }
}

interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: number;
  /** From where the tensors start. */
  readonly offset: bigint;
}

function readPlace(cursor: Cursor): TensorPlace {
  const name = cursor.string();
  const dimensions = cursor.u32();
  if (dimensions > 8) throw cursor.bad('tensors of at most 8 dimensions', `${dimensions} in ${shown(name)}`);
  const shape = Array.from({ length: dimensions }, () => Number(cursor.u64())).reverse();
  return { name, shape, format: cursor.u32(), offset: cursor.u64() };
}

/** The next place at a multiple of the alignment. */
function aligned(place: number, alignment: GgufValue = 32): bigint {
  const unit = BigInt(typeof alignment === 'number' && alignment > 0 ? Math.floor(alignment) : 32);
  return ((BigInt(place) + unit - 1n) / unit) * unit;
}

function requireWhole(cursor: Cursor, { name, shape, format, offset }: TensorPlace, start: bigint): void {
  const known = GGUF_FORMATS.get(format);
  if (known === undefined)
    throw cursor.bad(
      `tensors in one of the formats ${[...GGUF_FORMATS.values()].map((each) => each.name).join(', ')}`,
      `${shown(name)} in format ${format}`,
    );
  const numbers = shape.reduce((product, size) => product * size, 1);
  const bytes = Math.ceil(numbers / known.numbers) * known.bytes;
  const end = Number(start + offset) + bytes;
  if (!(end <= cursor.size))
    throw cursor.bad(
      `tensors inside it`,
      `${shown(name)} up to byte ${end} of ${cursor.size}: it is cut off or damaged`,
    );
}

const F32 = 0;
const MOST_DIVISORS = 4096;

function readDivisors(cursor: Cursor, { shape, format, offset }: TensorPlace, start: bigint): readonly number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  if (format !== F32 || count > MOST_DIVISORS)
    throw cursor.bad(`rope_freqs.weight as at most ${MOST_DIVISORS} 32-bit floats`, `${count} of format ${format}`);
  cursor.skipTo(Number(start + offset));
  return Array.from({ length: count }, () => Number(cursor.value(6, 0)));
}

/** Values of GGUF's types by number; 8 is a string, 9 an array. */
const BYTES_OF_TYPE: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  8: 8,
  9: 12,
  10: 8,
  11: 8,
  12: 8,
};
const CHUNK = 1 << 20;

/** Walks over a file that may be hostile: each length is checked against what is left of the file before anything is read. */
class Cursor {
  readonly #path: string;
  readonly #file: number;
  readonly #size: number;
  #buffer = Buffer.alloc(0);
  /** Place of the buffer's first byte in the file, and of the next byte in the buffer. */
  #start = 0;
  #at = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'r');
    this.#size = statSync(path).size;
  }

  close(): void {
    closeSync(this.#file);
  }

  bad(expected: string, came: string): BadGguf {
    return new BadGguf(`${this.#path}: expected a GGUF file with ${expected}, got ${came}`);
  }

  u32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  u64(): bigint {
    return this.#take(8).readBigUInt64LE(0);
  }

  count(most: number, what: string): number {
    const count = this.u64();
    if (count > BigInt(most)) throw this.bad(`at most ${most} ${what}`, String(count));
    return Number(count);
  }

  text(bytes: number): string {
    return this.#take(bytes).toString('latin1');
  }

  string(): string {
    const length = this.u64();
    if (length > BigInt(this.#left))
      throw this.bad('strings inside it', `one of ${length} bytes, ${this.#left} before its end`);
    return this.#take(Number(length)).toString('utf8');
  }

  value(type: number, depth: number): GgufValue {
    const bytes = BYTES_OF_TYPE[type];
    if (bytes === undefined) throw this.bad('values of the types 0 to 12', `type ${type}`);
    if (type === 8) return this.string();
    if (type === 9) return this.#array(depth);
    const raw = this.#take(bytes);
    switch (type) {
      case 0:
        return raw.readUInt8(0);
      case 1:
        return raw.readInt8(0);
      case 2:
        return raw.readUInt16LE(0);
      case 3:
        return raw.readInt16LE(0);
      case 4:
        return raw.readUInt32LE(0);
      case 5:
        return raw.readInt32LE(0);
      case 6:
        return raw.readFloatLE(0);
      case 7:
        return raw.readUInt8(0) !== 0;
      case 10:
        return whole(raw.readBigUInt64LE(0));
      case 11:
        return whole(raw.readBigInt64LE(0));
      default:
        return raw.readDoubleLE(0);
    }
  }

  #array(depth: number): GgufValue {
    if (depth === MOST_NESTING) throw this.bad(`arrays nested at most ${MOST_NESTING} deep`, 'deeper ones');
    const type = this.u32();
    const count = this.u64();
    const least = BYTES_OF_TYPE[type] ?? 1;
    if (count * BigInt(least) > BigInt(this.#left))
      throw this.bad('arrays inside it', `one of ${count} items, ${this.#left} bytes before its end`);
    return Array.from({ length: Number(count) }, () => this.value(type, depth + 1));
  }

  /** Place of the next byte in the file. */
  get place(): number {
    return this.#start + this.#at;
  }

  get size(): number {
    return this.#size;
  }

  /** Requires: a place inside the file. */
  skipTo(place: number): void {
    this.#start = place;
    this.#at = 0;
    this.#buffer = Buffer.alloc(0);
  }

  get #left(): number {
    return this.#size - this.#start - this.#at;
  }

  #take(bytes: number): Buffer {
    if (bytes > this.#left) throw this.bad('a whole head', `one that is cut off at byte ${this.#size}`);
    if (this.#at + bytes > this.#buffer.length) {
      this.#start += this.#at;
      this.#at = 0;
      const length = Math.min(Math.max(CHUNK, bytes), this.#size - this.#start);
      this.#buffer = Buffer.alloc(length);
      let read = 0;
      while (read < length) {
        const got = readSync(this.#file, this.#buffer, read, length - read, this.#start + read);
        if (got === 0) throw this.bad('a whole head', 'one that became shorter while it was read');
        read += got;
      }
    }
    const taken = this.#buffer.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }
}

function whole(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}
