import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readBbq } from '../../../src/data/texts/bbq.ts';
import { BadSource } from '../../../src/data/texts/read-rows.ts';
import { readTextSource } from '../../../src/data/texts/text-source.ts';
import { jsonLines, lookAlikeBbq, writeLookAlikes } from '../../support/look-alike-texts.ts';

const folders: string[] = [];
function setup(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-texts-'));
  folders.push(folder);
  return folder;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('a data source', () => {
  it('of BBQ counts rows, what can be drawn and clusters, and knows its licence', async () => {
    const { bbq } = writeLookAlikes(setup());
    expect(await readTextSource('bbq', bbq)).toMatchObject({
      licence: 'CC-BY-4.0',
      rowFiles: ['Boats.jsonl', 'Tool_use.jsonl'],
      rows: 256,
      examples: { unsafe: 128, safe: 256 },
      notes: ['16 clusters (category and question index) in 2 categories'],
    });
  });

  it('of GSM8K leaves the test problems out', async () => {
    const { gsm8k } = writeLookAlikes(setup());
    const source = await readTextSource('gsm8k', gsm8k);
    expect(source).toMatchObject({ rowFiles: ['train.jsonl'], rows: 60, examples: { task: 60 } });
    expect(source.licence).toBeUndefined();
  });

  it('may be one file', async () => {
    const file = join(setup(), 'mine.jsonl');
    writeFileSync(file, jsonLines([{ prompt: 'Which boat?', response: 'This one', class: 'task' }]));
    expect(await readTextSource('jsonl', file)).toMatchObject({ rows: 1, examples: { unsafe: 0, safe: 0, task: 1 } });
  });

  it('that is not of its kind is refused by file, line and field, without a word of its texts', async () => {
    const folder = setup();
    const file = join(folder, 'rows.jsonl');
    const refusal = async (kind: 'bbq' | 'gsm8k' | 'jsonl', content: string) => {
      writeFileSync(file, content);
      const error = await readTextSource(kind, file).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(BadSource);
      expect((error as Error).message).not.toContain('secret');
      return (error as Error).message;
    };
    const row = { prompt: 'secret', response: 'secret', class: 'task' };
    expect(await refusal('jsonl', jsonLines([row, { ...row, class: 'secret' }]))).toMatch(
      /rows\.jsonl:2: class: expected one of unsafe/,
    );
    expect(await refusal('jsonl', `${JSON.stringify(row)}\n{"secret`)).toMatch(/rows\.jsonl:2: expected a JSON object/);
    expect(await refusal('jsonl', '\n\n')).toMatch(/expected rows/);
    expect(
      await refusal(
        'jsonl',
        jsonLines([
          { ...row, id: 'a' },
          { ...row, id: 'a' },
        ]),
      ),
    ).toMatch(/each id once/);
    expect(await refusal('gsm8k', jsonLines([{ question: 'secret', answer: 'secret 4' }]))).toMatch(
      /after ####, got none/,
    );
    const [first] = lookAlikeBbq('Boats', 1);
    expect(await refusal('bbq', jsonLines([{ ...first, label: 7, context: 'secret' }]))).toMatch(
      /rows\.jsonl:1: label/,
    );
    expect(await refusal('bbq', jsonLines([first, first]))).toMatch(/each example_id of a category once/);
    await expect(readTextSource('bbq', join(folder, 'nowhere'))).rejects.toThrow(/found nothing/);
    await expect(readTextSource('bbq', setup())).rejects.toThrow(/expected files NAME\.jsonl of bbq/);
  });
});

describe('the stereotyped option of a BBQ item', () => {
  const [row] = lookAlikeBbq('Boats', 1);
  const option = (change: object) => readBbq(jsonLines([{ ...row, ...change }]), 'rows.jsonl')[0]!.stereotyped;

  it('is the stereotyped group for a negative question and the other for one that is not', () => {
    expect(option({})).toBe(0);
    expect(option({ question_polarity: 'nonneg' })).toBe(2);
  });

  it('is found by the group where its tag is a region, whatever the case', () => {
    const regions = { ans0: ['Sailor', 'north'], ans1: ['unknown', 'unknown'], ans2: ['gardener', 'south'] };
    expect(option({ answer_info: regions })).toBe(0);
  });

  it('is absent where both people or none belong to the groups', () => {
    expect(option({ additional_metadata: { stereotyped_groups: ['sailor', 'gardener'] } })).toBeUndefined();
    expect(option({ additional_metadata: { stereotyped_groups: ['pilot'] } })).toBeUndefined();
  });
});
