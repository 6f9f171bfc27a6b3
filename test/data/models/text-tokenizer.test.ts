import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChatFormat, type ChatMessage } from '../../../src/data/models/chat-format.ts';
import { readGgufHead } from '../../../src/data/models/gguf-file.ts';
import { NoTokenizer, tokenizerOfGguf } from '../../../src/data/models/gguf-tokenizer.ts';
import { makeTextTokenizer, readTextTokenizer, type TextTokenizer } from '../../../src/data/models/text-tokenizer.ts';
import { tokenizerOfVocabulary } from '../../../src/data/models/vocabulary-tokenizer.ts';

/** What Transformers makes of hard strings: make_fixtures.py beside it. */
const FOLDER = join(import.meta.dirname, '../../fixtures/data/tokenizers');
type Ids = { readonly plain: number[][]; readonly started: number[][] };
const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as {
  readonly strings: string[];
  readonly ids: Record<'gpt2' | 'smollm' | 'llama3' | 'pieces', Ids>;
  readonly templates: Record<string, string>;
  readonly conversations: Record<string, ChatMessage[]>;
  readonly chats: Record<string, Record<string, string | { readonly refused: string }>>;
};

function fromGguf(name: string): TextTokenizer {
  const path = join(FOLDER, name);
  const { tokenizer, config, chatTemplate } = tokenizerOfGguf(readGgufHead(path), path);
  return makeTextTokenizer(tokenizer as never, config, chatTemplate, path);
}

function fromVocabulary(): TextTokenizer {
  const [vocabulary, merges] = ['vocab.json', 'merges.txt'].map((name) =>
    readFileSync(join(FOLDER, 'gpt2-old', name), 'utf8'),
  );
  const json = tokenizerOfVocabulary(vocabulary!, merges!, FOLDER);
  return makeTextTokenizer(json as never, { eos_token: '<|endoftext|>' }, undefined, FOLDER);
}

const KINDS: readonly (readonly [what: string, ids: Ids, make: () => TextTokenizer | Promise<TextTokenizer>])[] = [
  ['tokenizer.json of GPT-2', expected.ids.gpt2, () => readTextTokenizer(join(FOLDER, 'gpt2'))],
  ['vocab.json and merges.txt of GPT-2', expected.ids.gpt2, fromVocabulary],
  ['tokenizer.json that isolates digits', expected.ids.smollm, () => readTextTokenizer(join(FOLDER, 'smollm'))],
  ['GGUF keys, pre-tokenizer smollm', expected.ids.smollm, () => fromGguf('smollm.gguf')],
  ['GGUF keys, pre-tokenizer llama-bpe', expected.ids.llama3, () => fromGguf('llama3.gguf')],
  ['GGUF keys, pieces with scores', expected.ids.pieces, () => fromGguf('pieces.gguf')],
];

describe.each(KINDS)('tokens from %s', (_, ids, make) => {
  it('equal those of Transformers for every hard string, with and without a start token', async () => {
    const tokenizer = await make();
    for (const [index, text] of expected.strings.entries()) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids.plain[index]);
      expect(tokenizer.encode(text, { start: true }), JSON.stringify(text)).toEqual(ids.started[index]);
    }
  });

  it('become the text again, control tokens left out', async () => {
    const tokenizer = await make();
    const text = 'It is 7 o\'clock: 12 boats,\n  3 of them "blue".';
    expect(tokenizer.decode([...tokenizer.encode(text), tokenizer.endToken])).toBe(text);
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([tokenizer.vocabulary + 5])).toBe('');
  });
});

describe('chat templates', () => {
  it.each(Object.keys(expected.templates))('%s renders conversations as Transformers does', (name) => {
    const chat = new ChatFormat(expected.templates[name]!, { bos: '<|im_start|>', eos: '<|im_end|>' });
    for (const [conversation, text] of Object.entries(expected.chats[name]!)) {
      const messages = expected.conversations[conversation]!;
      if (conversation === 'answered') continue;
      if (typeof text === 'string') expect(chat.prompt(messages)).toBe(text);
      else expect(() => chat.prompt(messages)).toThrow(text.refused);
    }
  });

  it('puts the instruction into the user message where the template knows no system message', () => {
    const [chatml, other] = ['chatml', 'without-system'].map(
      (name) => new ChatFormat(expected.templates[name]!, { bos: '<s>', eos: '</s>' }),
    );
    expect(chatml!.instructed('Be brief.', 'Why?')).toMatch(/^<\|im_start\|>system\nBe brief\.<\|im_end\|>\n/);
    expect(other!.instructed('Be brief.', 'Why?')).toBe('<s>[INST] Be brief.\nWhy? [/INST]');
  });

  it("ends an answer with what ends an assistant's turn, not with the end of a text", () => {
    const path = join(FOLDER, 'smollm.gguf');
    const { tokenizer, chatTemplate } = tokenizerOfGguf(readGgufHead(path), path);
    const config = { eos_token: '<|endoftext|>' };
    expect(makeTextTokenizer(tokenizer as never, config, undefined, path).endToken).toBe(0);
    expect(makeTextTokenizer(tokenizer as never, config, chatTemplate, path).endToken).toBe(2);
  });
});

describe('a tokenizer that cannot be had exactly', () => {
  it('is refused with the key and what is known', () => {
    const path = join(FOLDER, 'smollm.gguf');
    const head = readGgufHead(path);
    const other = (key: string, value: string) => ({ ...head, keys: new Map(head.keys).set(key, value) });
    expect(() => tokenizerOfGguf(other('tokenizer.ggml.pre', 'moon'), path)).toThrow(
      /tokenizer\.ggml\.pre to be one of gpt-2, smollm, llama-bpe.*got "moon"/,
    );
    expect(() => tokenizerOfGguf(other('tokenizer.ggml.model', 'bert'), path)).toThrow(NoTokenizer);
    expect(() => tokenizerOfGguf(other('tokenizer.ggml.merges', 'none'), path)).toThrow(/merges to be a list of texts/);
  });
});
