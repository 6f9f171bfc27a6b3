/**
 * Rewrites a tokenizer.json so that the JavaScript library splits texts exactly as the Rust library does, from which the files come. Three of its
 * words mean less in JavaScript:
 * - `Digits` and `\d` take ASCII digits only; in Rust any character of the Unicode categories N* is a digit ("½", "٣").
 * - `\s` has U+FEFF and lacks U+0085; in Rust it is the Unicode property White_Space.
 * - GPT-2's pattern inside `ByteLevel` has the same `\s`.
 */
export function exactTokenizer(tokenizer: TokenizerJson): TokenizerJson {
  const { pre_tokenizer } = tokenizer;
  return pre_tokenizer ? { ...tokenizer, pre_tokenizer: exactStep(pre_tokenizer) } : tokenizer;
}

/** What we look at in a tokenizer.json. */
export interface TokenizerJson {
  readonly model: { readonly type?: string; readonly vocab?: unknown };
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: object | null;
  readonly pre_tokenizer: Step | null;
  readonly post_processor: object | null;
  readonly decoder: object | null;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

interface Step {
  readonly type: string;
  readonly [field: string]: unknown;
}

const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const WHITE_SPACE = '\\t-\\r\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

function exactStep(step: Step): Step {
  if (step.type === 'Sequence')
    return { ...step, pretokenizers: (step.pretokenizers as readonly Step[]).map(exactStep) };
  if (step.type === 'Digits') return isolate(step.individual_digits === true ? '\\p{N}' : '\\p{N}+');
  if (step.type === 'Split') {
    const regex = (step.pattern as { readonly Regex?: string }).Regex;
    return regex === undefined ? step : { ...step, pattern: { Regex: exactPattern(regex) } };
  }
  // With a space before the text the order of the two steps would matter; the library's own pattern stays then.
  if (step.type === 'ByteLevel' && step.use_regex !== false && step.add_prefix_space !== true)
    return { type: 'Sequence', pretokenizers: [isolate(exactPattern(GPT2_PATTERN)), { ...step, use_regex: false }] };
  return step;
}

function isolate(regex: string): Step {
  return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
}

/** The pattern with `\s`, `\S` and `\d` spelled out, inside and outside of character classes. */
function exactPattern(regex: string): string {
  let inClass = false;
  return regex.replace(/\\[\s\S]|[[\]]/g, (token) => {
    if (token === '[') inClass = true;
    if (token === ']') inClass = false;
    if (token === '\\s') return inClass ? WHITE_SPACE : `[${WHITE_SPACE}]`;
    if (token === '\\d') return '\\p{Nd}';
    // Negated inside a class it would need a set operation, which no known tokenizer asks for.
    if (token === '\\S' && !inClass) return `[^${WHITE_SPACE}]`;
    return token;
  });
}
