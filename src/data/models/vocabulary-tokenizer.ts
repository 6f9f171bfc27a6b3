import { NoTokenizer } from './gguf-tokenizer.ts';

/** GPT-2's tokenizer from its first form, `vocab.json` beside `merges.txt`. */
export function tokenizerOfVocabulary(vocabulary: string, merges: string, where: string): object {
  let vocab: Record<string, number>;
  try {
    vocab = JSON.parse(vocabulary) as Record<string, number>;
  } catch {
    throw new NoTokenizer(`${where}/vocab.json: expected JSON, got ${vocabulary.length} characters that are none`);
  }
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const end = '<|endoftext|>';
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: vocab[end] === undefined ? [] : [{ id: vocab[end], content: end, ...flags }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: merges
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#version'))
        .map((line) => line.split(' ')),
    },
  };
}
