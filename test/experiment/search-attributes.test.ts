import { describe, expect, it } from 'vitest';
import { CUT_MARK, cutKeyword, cutList } from '../../src/experiment/search-attributes.ts';

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('a list of keywords', () => {
  it('is kept whole when its JSON fits into 2,000 bytes', () => {
    const runs = Array.from({ length: 60 }, (_, seed) => `gpt2-medium.forgetting.s${seed}`);
    expect(bytes(runs)).toBeLessThan(2_000);
    expect(cutList(runs)).toEqual(runs);
  });

  it('is cut before 2,000 bytes, says so, and keeps its head', () => {
    const runs = Array.from({ length: 300 }, (_, seed) => `gpt2-medium.forgetting.s${seed}`);
    const cut = cutList(runs);
    expect(bytes(cut)).toBeLessThanOrEqual(2_000);
    expect(bytes(cut)).toBeGreaterThan(1_900);
    expect(cut.at(-1)).toBe(CUT_MARK);
    expect(cut.slice(0, -1)).toEqual(runs.slice(0, cut.length - 1));
  });

  it('counts bytes of UTF-8 and escapes, not characters', () => {
    for (const name of ['模型-大-', '"\\"-', 'ö😀-']) {
      const cut = cutList(Array.from({ length: 500 }, (_, n) => `${name}${n}`));
      expect(bytes(cut)).toBeLessThanOrEqual(2_000);
    }
  });

  it('holds each keyword once, in lower case', () => {
    expect(cutList(['Small.Forgetting.s1', 'small.forgetting.s1', 'B'])).toEqual(['small.forgetting.s1', 'b']);
  });
});

describe('a keyword', () => {
  it('is at most 255 bytes long and never ends inside a character', () => {
    expect(cutKeyword('A'.repeat(300))).toBe('a'.repeat(255));
    expect(cutKeyword('😀'.repeat(100))).toBe('😀'.repeat(63));
  });
});
