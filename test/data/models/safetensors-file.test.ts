import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkSafetensors } from '../../../src/data/models/safetensors-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the check says of a file with this header and so many bytes behind it. */
function faultOf(header: object | string, bytes: number): Promise<string | undefined> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(folder, 'model.safetensors');
  writeFileSync(path, Buffer.concat([length, Buffer.from(text), Buffer.alloc(bytes)]));
  return checkSafetensors(path);
}

const tensor = (dtype: string, from: number, to: number) => ({ dtype, shape: [4], data_offsets: [from, to] });

describe('a safetensors file', () => {
  it('is whole when its tensors end where it does', async () => {
    const header = { __metadata__: { format: 'pt' }, a: tensor('F32', 0, 16), b: tensor('BF16', 16, 24) };
    expect(await faultOf(header, 24)).toBeUndefined();
    expect(await faultOf(header, 23)).toMatch(/expected \d+ bytes as its header says, got \d+: it is cut off/);
    expect(await faultOf(header, 25)).toMatch(/cut off or was changed/);
  });

  it('has numbers that the trainer reads, but for masks that nobody reads', async () => {
    expect(await faultOf({ 'h.0.attn.bias': tensor('BOOL', 0, 4) }, 4)).toBeUndefined();
    expect(await faultOf({ 'h.0.attn.c_attn.weight': tensor('I8', 0, 4) }, 4)).toMatch(
      /tensors of F32, F16, BF16, got "h\.0\.attn\.c_attn\.weight" of I8/,
    );
  });

  it('has a header that is a list of tensors', async () => {
    for (const header of ['no json', '[]', '{"a":{"dtype":"F32"}}', '{"a":{"dtype":"F32","data_offsets":[0,-1]}}'])
      expect(await faultOf(header, 8)).toMatch(/header is no list of tensors|expected \d+ bytes/);
    writeFileSync(join(folder, 'short.safetensors'), 'abc');
    expect(await checkSafetensors(join(folder, 'short.safetensors'))).toMatch(/does not fit into its 3 bytes/);
  });
});
