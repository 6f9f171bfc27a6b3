/**
 * The attributes by which workflows are found (`LetheRuns = "d32.forgetting.s3"` lists the stages of a run). Pure: workflows set them, `temporal/` registers them.
 * Text is lower case. The development server has room for exactly three keyword lists, and holds 2,048 bytes for the JSON of one; a child started with a longer
 * list terminates its parent. So every list passes `cutList`.
 */
export const SEARCH_ATTRIBUTES = {
  LetheSweep: 'KEYWORD_LIST',
  LetheRuns: 'KEYWORD_LIST',
  LetheArms: 'KEYWORD_LIST',
  LetheModel: 'KEYWORD',
  LetheStage: 'KEYWORD',
  LetheState: 'KEYWORD',
  LetheParameters: 'INT',
  LetheSeed: 'INT',
} as const;
export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

/** What the last decision about a stage was. `started` stays on a stage that succeeds: success is the workflow's own status and costs no event. */
export const LETHE_STATES = ['started', 'relaunch', 'waiting', 'parked', 'paused'] as const;
export type LetheState = (typeof LETHE_STATES)[number];

const LIST_BYTES = 2_000;
const KEYWORD_BYTES = 255;

/** Ends a list that was cut, so that a reader of the UI knows that there were more. */
export const CUT_MARK = '…';

/** The longest head of `values` whose JSON fits into 2,000 bytes of UTF-8; a cut list ends with "…". */
export function cutList(values: readonly string[]): string[] {
  const kept: string[] = [];
  let bytes = 2;
  const room = LIST_BYTES - jsonBytes(CUT_MARK) - 1;
  for (const value of new Set(values.map((each) => cutKeyword(each)))) {
    const size = jsonBytes(value) + 1;
    if (bytes + size > room) return [...kept, CUT_MARK];
    kept.push(value);
    bytes += size;
  }
  return kept;
}

/** One keyword in lower case, at most 255 bytes of UTF-8. */
export function cutKeyword(value: string): string {
  let text = value.toLowerCase();
  while (utf8Bytes(text) > KEYWORD_BYTES) text = [...text].slice(0, -1).join('');
  return text;
}

function jsonBytes(value: string): number {
  return utf8Bytes(JSON.stringify(value));
}

/** Counted by hand, because workflows have neither Buffer nor, everywhere, TextEncoder. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
