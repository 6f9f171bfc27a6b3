import { describe, expect, it } from 'vitest';
import { stem } from '../../src/statistics/porter-stemmer.ts';
import { rouge1, rougeWords } from '../../src/statistics/rouge.ts';
import { fixture } from './fixture.ts';

const reference = fixture<{ stems: [string, string][]; scores: [string, string, number][] }>('rouge.json');

describe('ROUGE-1 against rouge-score 0.1.2', () => {
  it('stems every word alike', () => {
    expect(reference.stems.length).toBeGreaterThan(3000);
    const wrong = reference.stems.filter(([word, wanted]) => stem(word) !== wanted);
    expect(wrong.map(([word, wanted]) => `${word}: ${stem(word)}, not ${wanted}`)).toEqual([]);
  });

  it('scores every pair alike', () => {
    expect(reference.scores.length).toBeGreaterThan(300);
    for (const [target, prediction, wanted] of reference.scores) {
      expect(rouge1(target, prediction), `${target} | ${prediction}`).toBeCloseTo(wanted, 12);
    }
  });

  it('leaves words of three letters as they are', () => {
    expect(rougeWords('is was running')).toEqual(['is', 'was', 'run']);
  });
});
