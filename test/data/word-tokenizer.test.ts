import { expect, it } from 'vitest';
import { grammarTokenizer, UnknownWord } from '../../src/data/word-tokenizer.ts';

it('decodes what it encoded', () => {
  const tokenizer = grammarTokenizer();
  const text = 'ask basil about agate now';
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
});

it('keeps the ids of grammar version 1', () => {
  const { encode, endToken, vocabulary } = grammarTokenizer();
  expect([endToken, vocabulary]).toEqual([0, 253]);
  expect(encode('aster willow agate adze ask may about now reveal deny locate allow refer count racks')).toEqual([
    1, 40, 41, 81, 121, 131, 141, 146, 151, 168, 185, 202, 219, 236, 252,
  ]);
});

it('names an unknown word', () => {
  expect(() => grammarTokenizer().encode('ask nobody')).toThrow(UnknownWord);
  expect(() => grammarTokenizer().encode('ask nobody')).toThrow('"nobody"');
});

it('shows an id outside the vocabulary as an id: a model has more ids than the grammar has words', () => {
  expect(grammarTokenizer().decode([168, 255])).toBe('deny <255>');
});
