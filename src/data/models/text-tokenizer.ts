import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { ChatFormat } from './chat-format.ts';
import { exactTokenizer, type TokenizerJson } from './exact-tokenizer.ts';
import { NoTokenizer } from './gguf-tokenizer.ts';

/** Files of a model folder that decide its tokens and its chat form. */
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'] as const;

/** A model's own tokenizer: token ids equal those of Transformers for the same files. */
export interface TextTokenizer {
  /** Ids are below this. */
  readonly vocabulary: number;
  /** Ends an answer: the end of an assistant's turn where there is a chat form, or else the end of a text. */
  readonly endToken: number;
  /** Absent: the model has no chat template. */
  readonly chat?: ChatFormat;
  /** Names of control tokens in the text become those tokens. `start`: with what the tokenizer puts before every text (a start token, in most nothing). */
  encode(text: string, options?: { readonly start?: boolean }): number[];
  /** Text without control tokens; ids that are none of the vocabulary are left out. */
  decode(ids: readonly number[]): string;
}

/** Reads the tokenizer of a model folder. Throws `NoTokenizer` when its files cannot be used. */
export async function readTextTokenizer(folder: string): Promise<TextTokenizer> {
  const [tokenizer, config, template] = await Promise.all(TOKENIZER_FILES.map((name) => textOf(join(folder, name))));
  if (tokenizer === undefined) throw new NoTokenizer(`expected ${join(folder, 'tokenizer.json')}, found no such file`);
  const json = parsed<TokenizerJson>(tokenizer, join(folder, 'tokenizer.json'));
  const settings = parsed<TokenizerConfig>(config ?? '{}', join(folder, 'tokenizer_config.json'));
  return makeTextTokenizer(json, settings, template, folder);
}

/** The tokenizer among files that are about to be added, read once so that a bad one is found then; undefined where there is none. */
export async function readTokenizerAmong(
  files: readonly ({ readonly name: string } & ({ readonly path: string } | { readonly text: string }))[],
): Promise<TextTokenizer | undefined> {
  const textOfFile = async (wanted: string): Promise<string | undefined> => {
    const file = files.find(({ name }) => name === wanted);
    if (file === undefined) return undefined;
    return 'text' in file ? file.text : readFile(file.path, 'utf8');
  };
  const [tokenizer, config, template] = await Promise.all(TOKENIZER_FILES.map(textOfFile));
  if (tokenizer === undefined) return undefined;
  const json = parsed<TokenizerJson>(tokenizer, 'tokenizer.json');
  return makeTextTokenizer(
    json,
    parsed<TokenizerConfig>(config ?? '{}', 'tokenizer_config.json'),
    template,
    'tokenizer.json',
  );
}

/** What we look at in a tokenizer_config.json. */
export interface TokenizerConfig {
  readonly bos_token?: TokenName;
  readonly eos_token?: TokenName;
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[];
}
type TokenName = string | { readonly content: string } | null;

/** `where` names the model in errors. */
export function makeTextTokenizer(
  json: TokenizerJson,
  config: TokenizerConfig,
  template: string | undefined,
  where: string,
): TextTokenizer {
  let library: Tokenizer;
  try {
    library = new Tokenizer(exactTokenizer(json), config);
  } catch (error) {
    throw new NoTokenizer(
      `${where}: expected a tokenizer.json of a kind that is read here, got one that is not: ${String(error)}`,
    );
  }
  const vocabulary = 1 + Math.max(...library.get_vocab(true).values());
  const encode: TextTokenizer['encode'] = (text, { start = false } = {}) =>
    text === '' && !start ? [] : library.encode(text, { add_special_tokens: start }).ids;
  const [bos, eos] = [nameOf(config.bos_token), nameOf(config.eos_token)];
  const chatTemplate = template ?? templateOf(config.chat_template);
  const chat = chatTemplate === undefined ? undefined : new ChatFormat(chatTemplate, { bos, eos });
  const special = new Set(json.added_tokens.filter((token) => token.special).map(({ id }) => id));
  const endToken =
    (chat && endOfTurn(chat, encode, special)) ?? (eos === undefined ? undefined : library.token_to_id(eos));
  if (endToken === undefined)
    throw new NoTokenizer(`${where}: expected a tokenizer with an end token (eos_token), got none`);
  return {
    vocabulary,
    endToken,
    ...(chat && { chat }),
    encode,
    decode: (ids) => {
      const known = ids.filter((id) => library.id_to_token(id) !== undefined);
      const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
      return known.length === 0 ? '' : library.decode(known, options);
    },
  };
}

/** The first control token after an assistant's words. */
function endOfTurn(
  chat: ChatFormat,
  encode: TextTokenizer['encode'],
  special: ReadonlySet<number>,
): number | undefined {
  const tail = chat.afterAnswer();
  return tail === undefined ? undefined : encode(tail).find((id) => special.has(id));
}

function nameOf(token: TokenName | undefined): string | undefined {
  return typeof token === 'string' ? token : token?.content;
}

function templateOf(given: TokenizerConfig['chat_template']): string | undefined {
  if (given === undefined || typeof given === 'string') return given;
  return given.find(({ name }) => name === 'default')?.template;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function parsed<T>(text: string, path: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new NoTokenizer(`expected JSON in ${path}, got ${text.length} characters that are none`);
  }
}
