/**
 * Philox4x32-10 (Salmon et al. 2011): random numbers as a function of key and counter. A draw needs no earlier draw, so resampling gives the same bits
 * in any order, on any thread, after any interruption.
 */

const MULTIPLIER_A = 0xd2511f53;
const MULTIPLIER_B = 0xcd9e8d57;
const WEYL_A = 0x9e3779b9;
const WEYL_B = 0xbb67ae85;
const ROUNDS = 10;

/** Words are made some blocks at a time: few, since a short stream throws the rest away. */
const BUFFERED_BLOCKS = 8;
const BUFFERED_WORDS = 4 * BUFFERED_BLOCKS;

/** What a stream of numbers is for; part of the counter, so that no two uses share numbers. */
export const PURPOSES = ['bootstrap', 'onset-null', 'permutation', 'calibration', 'planting', 'labels'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** The 64-bit key of an analysis: from the plan's hash and seed. */
export interface PhiloxKey {
  readonly low: number;
  readonly high: number;
}

export function philoxKey(hash: string, seed: number): PhiloxKey {
  return {
    low: (Number.parseInt(hash.slice(0, 8), 16) ^ (seed | 0)) >>> 0,
    high: Number.parseInt(hash.slice(8, 16), 16) >>> 0,
  };
}

/** A stream of numbers: counter words (block, draw, scale, purpose). Reused by `reset`, so that a draw allocates nothing. */
export class PhiloxStream {
  private readonly key: PhiloxKey;
  private readonly purpose: number;
  private readonly words = new Uint32Array(BUFFERED_WORDS);
  private used = BUFFERED_WORDS;
  private block = 0;
  private draw = 0;
  private scale = 0;
  private spareNormal = Number.NaN;

  constructor(key: PhiloxKey, purpose: Purpose, scale = 0, draw = 0) {
    this.key = key;
    this.purpose = PURPOSES.indexOf(purpose);
    this.reset(scale, draw);
  }

  /** Goes to the beginning of the stream of another scale and draw. */
  reset(scale: number, draw: number): void {
    this.scale = scale >>> 0;
    this.draw = draw >>> 0;
    this.block = 0;
    this.used = BUFFERED_WORDS;
    this.spareNormal = Number.NaN;
  }

  /** The next 32 bits. */
  next(): number {
    if (this.used === BUFFERED_WORDS) {
      const { words, block, draw, scale, purpose, key } = this;
      for (let i = 0; i < BUFFERED_BLOCKS; i += 1) {
        philox4x32(words, block + i, draw, scale, purpose, key.low, key.high, 4 * i);
      }
      this.block += BUFFERED_BLOCKS;
      this.used = 0;
    }
    const word = this.words[this.used] as number;
    this.used += 1;
    return word;
  }

  /** An integer in [0, n), n ≤ 2^21 (the product stays exact): the high half of next() · n, whose bias is below n / 2^32. */
  below(n: number): number {
    return (this.next() * n * 2 ** -32) | 0;
  }

  /** In (0, 1), 53 bits. */
  uniform(): number {
    const high = this.next() >>> 5;
    const low = this.next() >>> 6;
    return (high * 67_108_864 + low + 0.5) / 9_007_199_254_740_992;
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    if (!Number.isNaN(this.spareNormal)) {
      const spare = this.spareNormal;
      this.spareNormal = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** Ten rounds on the counter (c0, c1, c2, c3) under the key (k0, k1), into four words of `out` from `at`. */
export function philox4x32(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  at = 0,
): void {
  let a = c0 >>> 0;
  let b = c1 >>> 0;
  let c = c2 >>> 0;
  let d = c3 >>> 0;
  let keyA = k0 >>> 0;
  let keyB = k1 >>> 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const highA = multiplyHigh(MULTIPLIER_A, a);
    const lowA = Math.imul(MULTIPLIER_A, a);
    const highC = multiplyHigh(MULTIPLIER_B, c);
    const lowC = Math.imul(MULTIPLIER_B, c);
    a = (highC ^ b ^ keyA) >>> 0;
    b = lowC >>> 0;
    c = (highA ^ d ^ keyB) >>> 0;
    d = lowA >>> 0;
    keyA = (keyA + WEYL_A) >>> 0;
    keyB = (keyB + WEYL_B) >>> 0;
  }
  out[at] = a;
  out[at + 1] = b;
  out[at + 2] = c;
  out[at + 3] = d;
}

/** High 32 bits of a product of two unsigned 32-bit integers. */
function multiplyHigh(x: number, y: number): number {
  const xLow = x & 0xffff;
  const xHigh = x >>> 16;
  const yLow = y & 0xffff;
  const yHigh = y >>> 16;
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const cross = xLow * yHigh + (middle & 0xffff);
  return (xHigh * yHigh + (middle >>> 16) + (cross >>> 16)) >>> 0;
}
