import { describe, expect, it } from 'vitest';
import { SeededStream } from '../../src/data/seeded-stream.ts';

describe('SeededStream', () => {
  it('gives the same numbers for the same name, on any machine', () => {
    expect(new SeededStream('pairs/1').permutation(8)).toEqual(new SeededStream('pairs/1').permutation(8));
    expect(new SeededStream('pairs/1').permutation(8)).toEqual([2, 6, 5, 4, 3, 0, 1, 7]);
    expect(new SeededStream('pairs/1').permutation(40)).not.toEqual(new SeededStream('pairs/2').permutation(40));
  });

  it('draws below its bound evenly', () => {
    const stream = new SeededStream('even');
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 70_000; draw++) counts[stream.below(7)]! += 1;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 99.99 % point of chi-square with 6 degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9);
  });

  it('permutes: every number once', () => {
    const order = new SeededStream('x').permutation(100);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
