import { describe, expect, it } from 'vitest';
import { PhiloxStream, philox4x32, philoxKey } from '../../src/statistics/philox.ts';

const KEY = philoxKey('0123456789abcdef'.repeat(4), 7);

describe('Philox4x32-10', () => {
  it('gives the known answers of its authors', () => {
    const cases: [number[], string][] = [
      [[0, 0, 0, 0, 0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
      [new Array(6).fill(0xffffffff), '408f276d 41c83b0e a20bc7c6 6d5451fd'],
      [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
    ];
    for (const [input, answer] of cases) {
      const out = new Uint32Array(4);
      philox4x32(out, ...(input as [number, number, number, number, number, number]));
      expect([...out].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(answer);
    }
  });

  it('gives a draw the same numbers whatever was drawn before it', () => {
    const forwards = new PhiloxStream(KEY, 'bootstrap');
    const numbersOf = (stream: PhiloxStream, draw: number): number[] => {
      stream.reset(3, draw);
      return Array.from({ length: 9 }, () => stream.next());
    };
    const first = [0, 1, 2].map((draw) => numbersOf(forwards, draw));
    const backwards = new PhiloxStream(KEY, 'bootstrap');
    const second = [2, 1, 0].map((draw) => numbersOf(backwards, draw)).reverse();
    expect(second).toEqual(first);
  });

  it('separates keys, purposes, scales and draws', () => {
    const words = [
      new PhiloxStream(KEY, 'bootstrap', 0, 0),
      new PhiloxStream(KEY, 'permutation', 0, 0),
      new PhiloxStream(KEY, 'bootstrap', 1, 0),
      new PhiloxStream(KEY, 'bootstrap', 0, 1),
      new PhiloxStream(philoxKey('f'.repeat(64), 7), 'bootstrap', 0, 0),
      new PhiloxStream(philoxKey('0123456789abcdef'.repeat(4), 8), 'bootstrap', 0, 0),
    ].map((stream) => stream.next());
    expect(new Set(words).size).toBe(words.length);
  });

  it('draws integers and normals with the right moments', () => {
    const stream = new PhiloxStream(KEY, 'labels');
    const draws = 200_000;
    const counts = new Array<number>(7).fill(0);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < draws; i += 1) {
      const k = stream.below(7);
      counts[k] = (counts[k] as number) + 1;
      const z = stream.normal();
      sum += z;
      squares += z * z;
    }
    for (const count of counts) expect(Math.abs(count - draws / 7)).toBeLessThan(5 * Math.sqrt(draws / 7));
    expect(Math.abs(sum / draws)).toBeLessThan(5 / Math.sqrt(draws));
    expect(Math.abs(squares / draws - 1)).toBeLessThan(5 * Math.sqrt(2 / draws));
  });
});
