import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BadGguf, readGgufHead } from '../../../src/data/models/gguf-file.ts';
import { SeededStream } from '../../../src/data/seeded-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));
const whole = readFileSync(join(import.meta.dirname, '../../fixtures/data/tokenizers/smollm.gguf'));

function readBytes(bytes: Uint8Array) {
  const path = join(folder, 'file.gguf');
  writeFileSync(path, bytes);
  return readGgufHead(path);
}

describe('the head of a GGUF file', () => {
  it('gives keys of every kind, and shapes slowest first', () => {
    const { keys, tensors } = readBytes(whole);
    expect(keys.get('general.architecture')).toBe('llama');
    expect(keys.get('llama.embedding_length')).toBe(8);
    expect(keys.get('tokenizer.ggml.add_bos_token')).toBe(false);
    expect(keys.get('llama.attention.layer_norm_rms_epsilon')).toBeCloseTo(1e-5, 12);
    expect(keys.get('tokenizer.ggml.tokens')).toHaveLength(384);
    expect(tensors.get('token_embd.weight')).toEqual([4, 8]);
  });

  it('refuses a file that is cut off anywhere in its head', () => {
    const end = whole.indexOf('token_embd.weight') + 'token_embd.weight'.length;
    for (let length = 0; length < end; length += 37)
      expect(() => readBytes(whole.subarray(0, length))).toThrow(BadGguf);
  });

  it('refuses a file whose tensors are cut off, and formats that the trainer does not read', () => {
    expect(() => readBytes(whole.subarray(0, whole.length - 100))).toThrow(
      /"token_embd\.weight" up to byte \d+ of \d+: it is cut off/,
    );
    const format = whole.indexOf('token_embd.weight') + 'token_embd.weight'.length + 4 + 2 * 8;
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(23, format);
    expect(() => readBytes(bytes)).toThrow(/formats F32, F16, BF16, Q4_0.*"token_embd\.weight" in format 23/);
  });

  it('refuses other files, other versions, and counts that the file cannot hold', () => {
    const changed = (at: number, write: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(whole);
      write(bytes.subarray(at));
      return bytes;
    };
    expect(() => readBytes(Buffer.from('{"format":"none"}'))).toThrow(/magic "GGUF"/);
    expect(() => readBytes(changed(4, (bytes) => bytes.writeUInt32LE(1)))).toThrow(/version 2 or 3, got 1/);
    expect(() => readBytes(changed(8, (bytes) => bytes.writeBigUInt64LE(2n ** 60n)))).toThrow(
      /at most 1000000 tensors/,
    );
    expect(() => readBytes(changed(16, (bytes) => bytes.writeBigUInt64LE(2n ** 60n)))).toThrow(/at most 100000 keys/);
    expect(() => readBytes(changed(24, (bytes) => bytes.writeBigUInt64LE(2n ** 62n)))).toThrow(/strings inside it/);
  });

  it('never does more than refuse, whatever bytes are changed', () => {
    const stream = new SeededStream('hostile gguf');
    for (let trial = 0; trial < 400; trial++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change < 3; change++) bytes[stream.below(bytes.length)] = stream.below(256);
      try {
        readBytes(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(BadGguf);
      }
    }
  });
});
