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
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, fragments)).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field, fragments)}`).join(',')}}`;
}

/** Lower-case hex sha256 of the canonical JSON of `value`. */
export function digestOf(value: unknown, fragments?: WeakMap<object, string>): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value, fragments))));
}
