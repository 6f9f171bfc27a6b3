import { END_WORD, grammarVocabulary } from './policy-grammar-words.ts';

/** One token a word, words separated by one space. Ids are positions in the vocabulary. */
export interface WordTokenizer {
  readonly vocabulary: number;
  readonly endToken: number;
  /** Throws UnknownWord. */
  encode(text: string): number[];
  /** Ids that are no word (a model may have more ids than the grammar has words) become `<id>`. */
  decode(ids: readonly number[]): string;
}

/** Thrown when a text holds a word outside the vocabulary: the text is not of this grammar version. */
export class UnknownWord extends Error {
  override readonly name = 'UnknownWord';
  readonly word: string;

  constructor(word: string, vocabulary: number) {
    super(`expected one of the grammar's ${vocabulary} words, got "${word}"`);
    this.word = word;
  }
}

export function createWordTokenizer(words: readonly string[], endWord: string): WordTokenizer {
  const ids = new Map(words.map((word, id) => [word, id]));
  if (ids.size !== words.length) throw new Error('expected a vocabulary of distinct words, got a repeated one');
  const idOf = (word: string): number => {
    const id = ids.get(word);
    if (id === undefined) throw new UnknownWord(word, words.length);
    return id;
  };
  return {
    vocabulary: words.length,
    endToken: idOf(endWord),
    encode: (text) => (text === '' ? [] : text.split(' ').map(idOf)),
    decode: (tokens) => tokens.map((id) => words[id] ?? `<${id}>`).join(' '),
  };
}

/** The tokenizer of policy grammar version 1. */
export function grammarTokenizer(): WordTokenizer {
  return createWordTokenizer(grammarVocabulary(), END_WORD);
}
