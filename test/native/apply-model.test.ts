import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTextTokenizer } from '../../src/data/models/text-tokenizer.ts';
import { lethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../support/look-alike-texts.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-apply-'));
const store = join(folder, 'store');
const tiny = join(folder, 'tiny');
const items = join(folder, 'items.jsonl');
const ITEMS = [
  { id: 'first', prompt: 'The harbour master counts', response: ' the boats.' },
  { id: 2, prompt: 'Twelve boats came in on Monday, 15 on', response: ' Tuesday' },
];

beforeAll(async () => {
  writeTinyModel(tiny);
  writeFileSync(items, jsonLines(ITEMS));
  const added = await lethe(['model', 'add', tiny, '--store', store]);
  expect(added.stderr).toBe('');
});
afterAll(() => rmSync(folder, { recursive: true }));

const model = (...args: string[]) => lethe([...args, '--model', 'tiny', '--store', store]);
const records = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('lethe score', () => {
  it('refuses a form of weights that it does not know', async () => {
    const { code, stderr } = await model('score', '--file', items, '--weights', 'int8');
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected one of f32, bf16, as-stored, got "int8"')]);
  });

  it('gives the tokens and the sum of log-probabilities of each response, in the order of the file', async () => {
    const { code, stdout } = await model('score', '--file', items, '--json');
    expect(code).toBe(0);
    const tokenizer = await readTextTokenizer(tiny);
    const scores = records(stdout);
    expect(scores.map(({ id, tokens }) => ({ id, tokens }))).toEqual(
      ITEMS.map(({ id, response }) => ({ id: String(id), tokens: tokenizer.encode(response).length })),
    );
    // A model of small random weights knows nothing: every token costs about log 384.
    for (const { sumLogProb, tokens } of scores) expect(sumLogProb / tokens).toBeCloseTo(-Math.log(384), 0);
  });

  it('with --chat writes the prompt as a message and ends the response as a turn', async () => {
    const [plain, chat] = await Promise.all([
      model('score', '--file', items, '--json'),
      model('score', '--file', items, '--json', '--chat'),
    ]);
    const tokens = ({ stdout }: { stdout: string }) => records(stdout).map((score) => score.tokens);
    expect(tokens(chat!)).toEqual(tokens(plain!).map((count) => count + 1));
  });

  it('refuses items that cannot be scored with their id and what is wrong', async () => {
    const bad = join(folder, 'bad.jsonl');
    const refusal = async (item: object) => {
      writeFileSync(bad, jsonLines([item]));
      const { code, stderr, stdout } = await model('score', '--file', bad);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await refusal({ id: 'a', prompt: 'x', response: '' })).toMatch(
      /a: expected a response of at least one token/,
    );
    expect(await refusal({ id: 'a', prompt: 'x' })).toMatch(/bad\.jsonl:1: response/);
    expect(await refusal({ id: 'a', prompt: '7'.repeat(600), response: 'x' })).toMatch(
      /a: expected at most 512 tokens/,
    );
  });
});

describe('lethe generate', () => {
  it('gives text and token ids, the same each time, however many threads', async () => {
    const generate = (...args: string[]) =>
      model('generate', '--prompt', 'The boats', '--max-new-tokens', '12', '--json', ...args);
    const [one, two] = await Promise.all([generate('--threads', '1'), generate('--threads', '2')]);
    expect(one!.code).toBe(0);
    const [generated] = records(one!.stdout);
    const tokenizer = await readTextTokenizer(tiny);
    expect(generated.promptTokens).toEqual(tokenizer.encode('The boats'));
    expect(generated.text).toBe(tokenizer.decode(generated.tokens));
    expect(generated).toMatchObject({
      tokens: expect.any(Array),
      endedBy: generated.tokens.length < 12 ? 'end' : 'length',
    });
    expect(two!.stdout).toBe(one!.stdout);
    const chat = records((await generate('--chat')).stdout)[0];
    expect(chat.promptTokens[0]).toBe(1);
  });

  it('refuses what it cannot do', async () => {
    expect(await model('generate', '--prompt', '')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/at least one token/),
    });
    expect(await model('generate', '--prompt', 'x', '--max-new-tokens', '0')).toMatchObject({ code: 2 });
    const unknown = await lethe(['generate', '--model', 'tinny', '--prompt', 'x', '--store', store]);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/did you mean "tiny"/) });
  });
});
