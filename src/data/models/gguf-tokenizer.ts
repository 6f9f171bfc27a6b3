import type { GgufHead, GgufValue } from './gguf-file.ts';

/** The three files that a tokenizer consists of here, as a Hugging Face folder has them. */
export interface TokenizerFiles {
  readonly tokenizer: object;
  readonly config: object;
  readonly chatTemplate?: string;
}

/** Thrown when the tokenizer of a model cannot be had exactly: another one would give other tokens in silence. */
export class NoTokenizer extends Error {
  override readonly name = 'NoTokenizer';
}

/** `tokenizer.ggml.token_type` */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

/** Rebuilds a tokenizer from the keys of a GGUF file. Throws `NoTokenizer` for a kind or a pre-tokenizer that is not known: a guess would split texts otherwise. */
export function tokenizerOfGguf(head: GgufHead, path: string): TokenizerFiles {
  const keys = new GgufKeys(head, path);
  const kind = keys.text('model');
  const tokens = keys.texts('tokens');
  const types = keys.numbers('token_type', tokens.length);
  const special = (name: string): string | undefined => {
    const id = keys.number(`${name}_token_id`);
    return id === undefined ? undefined : tokens[id];
  };
  const bos = special('bos');
  const eos = special('eos');
  const unknown = special('unknown');
  const addBos = keys.flag('add_bos_token') ?? kind === 'llama';
  const added = tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== CONTROL && type !== USER_DEFINED && type !== UNKNOWN) return [];
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...flags, special: type !== USER_DEFINED }];
  });
  const parts =
    kind === 'gpt2' ? byteLevelParts(keys, tokens) : kind === 'llama' ? pieceParts(keys, tokens) : undefined;
  if (parts === undefined) throw keys.refuse('model', 'gpt2 or llama', kind);
  const chatTemplate = keys.textIfThere('chat_template');
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: addBos && bos !== undefined ? startsWith(bos, tokens.indexOf(bos)) : null,
      decoder: parts.decoder,
      model: parts.model,
    },
    config: {
      ...(bos !== undefined && { bos_token: bos }),
      ...(eos !== undefined && { eos_token: eos }),
      ...(unknown !== undefined && { unk_token: unknown }),
      add_bos_token: addBos,
      clean_up_tokenization_spaces: false,
    },
    ...(chatTemplate !== undefined && { chatTemplate }),
  };
}

interface TokenizerParts {
  readonly normalizer: object | null;
  readonly preTokenizer: object | null;
  readonly decoder: object;
  readonly model: object;
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true } as const;
const split = (regex: string) => ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false });

/** Pre-tokenizers by their GGUF names. */
const PRE_TOKENIZERS: Readonly<
  Record<string, { readonly steps: readonly object[]; readonly wholeTokensFirst?: true }>
> = {
  'gpt-2': { steps: [{ ...BYTE_LEVEL, use_regex: true }] },
  // Every digit by itself, whatever its script, then as GPT-2.
  smollm: {
    steps: [
      { type: 'Digits', individual_digits: true },
      { ...BYTE_LEVEL, use_regex: true },
    ],
  },
  'llama-bpe': {
    steps: [
      split(
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      ),
      { ...BYTE_LEVEL, use_regex: false },
    ],
    wholeTokensFirst: true,
  },
};
const OTHER_NAMES: Readonly<Record<string, string>> = { gpt2: 'gpt-2', llama3: 'llama-bpe', 'llama-v3': 'llama-bpe' };

/** Byte-level BPE: every byte has a letter, merges stand in the file. */
function byteLevelParts(keys: GgufKeys, tokens: readonly string[]): TokenizerParts {
  const given = keys.textIfThere('pre') ?? '';
  const known = PRE_TOKENIZERS[OTHER_NAMES[given] ?? given];
  if (known === undefined)
    throw keys.refuse(
      'pre',
      `one of ${[...Object.keys(PRE_TOKENIZERS), ...Object.keys(OTHER_NAMES)].join(', ')}`,
      given,
    );
  return {
    normalizer: null,
    preTokenizer: { type: 'Sequence', pretokenizers: known.steps },
    decoder: { ...BYTE_LEVEL, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: known.wholeTokensFirst ?? false,
      vocab: vocabularyOf(tokens),
      merges: keys.texts('merges').map((merge) => merge.split(' ')),
    },
  };
}

/**
 * SentencePiece BPE of LLaMA 1 and 2: pieces with scores and no list of merges. Two pieces merge when their union is a piece; a higher score
 * merges first. Bytes without a piece have tokens of their own.
 */
function pieceParts(keys: GgufKeys, tokens: readonly string[]): TokenizerParts {
  const scores = keys.numbers('scores', tokens.length);
  const vocab = vocabularyOf(tokens);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: { pair: readonly [string, string]; score: number; id: number; left: number; right: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    const letters = [...token];
    for (let cut = 1; cut < letters.length; cut++) {
      const pair = [letters.slice(0, cut).join(''), letters.slice(cut).join('')] as const;
      const [left, right] = [ids.get(pair[0]), ids.get(pair[1])];
      if (left !== undefined && right !== undefined) merges.push({ pair, score: scores[id]!, id, left, right });
    }
  }
  // Of equal scores the pair of the earlier pieces comes first, as in the reference conversion.
  merges.sort((a, b) => b.score - a.score || a.id - b.id || a.left - b.left || a.right - b.right);
  const prefix = keys.flag('add_space_prefix') ?? true;
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  return {
    normalizer: prefix
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaces] }
      : { type: 'Sequence', normalizers: [spaces] },
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokens[keys.number('unknown_token_id') ?? 0],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab,
      merges: merges.map(({ pair }) => pair),
    },
  };
}

function vocabularyOf(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** Puts the start token before every text. */
function startsWith(token: string, id: number): object {
  const start = { SpecialToken: { id: token, type_id: 0 } };
  const text = (name: 'A' | 'B', type: number) => ({ Sequence: { id: name, type_id: type } });
  return {
    type: 'TemplateProcessing',
    single: [start, text('A', 0)],
    pair: [start, text('A', 0), text('B', 1)],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

/** Keys `tokenizer.…` of a file, of the kinds that they must have. */
class GgufKeys {
  readonly #head: GgufHead;
  readonly #path: string;

  constructor(head: GgufHead, path: string) {
    this.#head = head;
    this.#path = path;
  }

  text(name: string): string {
    const value = this.#value(name);
    if (typeof value === 'string') return value;
    throw this.refuse(name, 'a text', value);
  }

  textIfThere(name: string): string | undefined {
    return this.#value(name) === undefined ? undefined : this.text(name);
  }

  number(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined || typeof value === 'number') return value;
    throw this.refuse(name, 'a number', value);
  }

  flag(name: string): boolean | undefined {
    const value = this.#value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.refuse(name, 'true or false', value);
  }

  texts(name: string): readonly string[] {
    const value = this.#value(name);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.refuse(name, 'a list of texts', value);
  }

  numbers(name: string, length: number): readonly number[] {
    const value = this.#value(name);
    if (Array.isArray(value) && value.length === length && value.every((item) => typeof item === 'number'))
      return value;
    throw this.refuse(name, `a list of ${length} numbers, one for each token`, value);
  }

  refuse(name: string, expected: string, came: GgufValue | undefined): NoTokenizer {
    const shown =
      came === undefined
        ? 'no such key'
        : Array.isArray(came)
          ? `a list of ${came.length}`
          : JSON.stringify(String(came));
    return new NoTokenizer(
      `${this.#path}: expected the key ${keyOf(name)} to be ${expected}, got ${shown.slice(0, 100)}`,
    );
  }

  #value(name: string): GgufValue | undefined {
    return this.#head.keys.get(keyOf(name));
  }
}

function keyOf(name: string): string {
  return name === 'chat_template' ? 'tokenizer.chat_template' : `tokenizer.ggml.${name}`;
}
