import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * JSON with sorted object keys and no white space; `undefined` fields are left out. Throws on values that JSON cannot hold.
 * Objects that `fragments` has (set by the caller, frozen from then on) are rendered once and their text is reused.
 */
export function canonicalJson(value: unknown, fragments?: WeakMap<object, string>): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`expected a finite number in canonical JSON, got ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new TypeError(`expected a JSON value, got ${typeof value}`);
  const known = fragments?.get(value);
  if (known !== undefined) return known;
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '[' : ','}${canonicalJson(item, fragments)}`;
    return text === '' ? '[]' : `${text}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  // The default order of strings is by UTF-16 units, on every platform the same.
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name];
    if (field === undefined) continue;
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${canonicalJson(field, fragments)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

/** Lower-case hex sha256 of the canonical JSON of `value`. */
export function digestOf(value: unknown, fragments?: WeakMap<object, string>): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value, fragments))));
}
