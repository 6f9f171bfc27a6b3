import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeLookAlikes } from '../support/look-alike-texts.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { lethe } from './lethe-command.ts';

const GGUF = join(import.meta.dirname, '../fixtures/data/tokenizers/smollm.gguf');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function setup() {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-inputs-'));
  folders.push(folder);
  const store = join(folder, 'store');
  const run = (...args: string[]) => lethe([...args, '--store', store], {}, folder);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect(stderr.includes('lethe:'), stderr).toBe(false);
    const records = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    return { code, records };
  };
  /** Folders of models or sources, without the names beside them. */
  const inside = (parent: string) =>
    existsSync(join(store, parent)) ? readdirSync(join(store, parent)).filter((name) => name !== 'names') : [];
  return { folder, store, run, json, inside };
}

describe('lethe model', () => {
  it('adds a folder, sharded or not, lists and checks it', async () => {
    const { folder, store, json, inside } = setup();
    writeTinyModel(join(folder, 'Tiny Model'));
    writeTinyModel(join(folder, 'sharded'), { shards: 3, seed: 2 });
    const { records } = await json('model', 'add', join(folder, 'Tiny Model'));
    expect(records).toEqual([
      expect.objectContaining({
        event: 'added',
        name: 'tiny-model',
        licence: 'apache-2.0',
        weights: ['model.safetensors'],
      }),
    ]);
    const [{ digest, spec, tokenizer }] = records;
    expect(spec).toMatchObject({ family: 'llama', width: 32, keyValueHeads: 2, vocabulary: 384 });
    expect(tokenizer.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(readdirSync(join(store, 'models', digest)).sort()).toEqual(
      [
        'README.md',
        'config.json',
        'manifest.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ].sort(),
    );
    const sharded = await json('model', 'add', join(folder, 'sharded'), '--link');
    expect(sharded.records[0].weights).toHaveLength(3);
    expect((await json('model', 'list')).records.map(({ name }) => name)).toEqual(['sharded', 'tiny-model']);
    const check = await json('model', 'check');
    expect(check).toMatchObject({ code: 0, records: [{ faults: [] }, { faults: [] }] });
    const again = await json('model', 'add', join(folder, 'Tiny Model'));
    expect(again.records[0]).toMatchObject({ event: 'there already', digest });
    expect(inside('models')).toHaveLength(2);
  });

  it('adds a GGUF file with a tokenizer rebuilt from its keys, alone or in a wheel', async () => {
    const { folder, store, json } = setup();
    cpSync(GGUF, join(folder, 'Boats-1M.Q4_1.gguf'));
    const added = await json('model', 'add', join(folder, 'Boats-1M.Q4_1.gguf'));
    expect(added.records[0]).toMatchObject({ name: 'boats-1m', weights: ['model.gguf'] });
    const model = join(store, 'models', added.records[0].digest);
    expect(readFileSync(join(model, 'chat_template.jinja'), 'utf8')).toContain('<|im_start|>');
    expect(JSON.parse(readFileSync(join(model, 'tokenizer.json'), 'utf8')).added_tokens).toHaveLength(3);
    const wheel = join(folder, 'boats-1.0-py3-none-any.whl');
    const script = `import zipfile, sys
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.write(sys.argv[2], "boats/weights/Boats-1M.Q4_1.gguf")
    wheel.writestr("boats-1.0.dist-info/METADATA", "Name: boats\\nLicense: MIT\\n")
`;
    expect(spawnSync('python3', ['-c', script, wheel, GGUF]).status).toBe(0);
    const { code, records } = await json('model', 'add', wheel, '--name', 'from-wheel');
    expect({ code, records }).toMatchObject({ code: 0, records: [{ name: 'from-wheel', event: 'there already' }] });
    expect(records[0].digest).toBe(added.records[0].digest);
  });

  it('leaves nothing behind that is not whole, and says with exit 2 what was expected', async () => {
    const { folder, store, run, inside } = setup();
    const model = writeTinyModel(join(folder, 'model'));
    const refused = async (hint: RegExp, ...args: string[]) => {
      const { code, stderr } = await run('model', 'add', ...args);
      expect(stderr).toMatch(hint);
      expect(code).toBe(2);
      expect(inside('models')).toEqual([]);
    };
    await refused(/found nothing/, join(folder, 'nowhere'));
    expect(existsSync(store)).toBe(false);
    await refused(/--name: expected a name/, model, '--name', 'No Name');
    truncateSync(join(model, 'model.safetensors'), 5000);
    await refused(/model\.safetensors: expected \d+ bytes as its header says, got 5000: it is cut off/, model);
    writeTinyModel(model);
    writeFileSync(join(model, 'config.json'), '{"model_type":"mamba"}');
    await refused(/model_type to be gpt2 or llama; got "mamba"/, model);
    writeTinyModel(model);
    writeFileSync(join(model, 'tokenizer.json'), '{"broken');
    await refused(/expected JSON in tokenizer\.json/, model);
    rmSync(join(model, 'model.safetensors'));
    writeFileSync(join(model, 'pytorch_model.bin'), 'x');
    await refused(/pytorch_model\.bin is a pickle/, model);
    mkdirSync(join(folder, 'two'));
    for (const name of ['a.gguf', 'b.gguf']) cpSync(GGUF, join(folder, 'two', name));
    await refused(/expected one model in .*two, found 2/, join(folder, 'two'));
    truncateSync(join(folder, 'two', 'a.gguf'), 700);
    await refused(/expected a GGUF file with/, join(folder, 'two', 'a.gguf'));
    await refused(/expected package:NAME/, 'package:../../x');
  });

  it('finds what was changed since, and mends it when the model is added again', async () => {
    const { folder, store, run, json, inside } = setup();
    const model = writeTinyModel(join(folder, 'model'));
    const [{ digest }] = (await json('model', 'add', model)).records;
    appendFileSync(join(store, 'models', digest, 'model.safetensors'), 'x');
    const check = await run('model', 'check', 'model');
    expect(check.code).toBe(3);
    expect(check.stdout).toMatch(
      /model\.safetensors: expected sha256 .* found .*\n.*damaged; mend it by adding it again/,
    );
    expect((await json('model', 'add', model)).records[0]).toMatchObject({ event: 'added', digest });
    expect((await run('model', 'check', 'model')).code).toBe(0);
    expect(inside('models')).toEqual([digest]);
    expect((await run('model', 'check', 'modle')).stderr).toMatch(/did you mean "model"/);
  });

  it('gives a name to another model only when told so', async () => {
    const { folder, run, json } = setup();
    const [one, two] = [1, 2].map((seed) => writeTinyModel(join(folder, `model-${seed}`), { seed }));
    await json('model', 'add', one!, '--name', 'mine');
    const refused = await run('model', 'add', two!, '--name', 'mine');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/mine is [0-9a-f]{12}.*--replace/s) });
    expect((await json('model', 'add', two!, '--name', 'mine', '--replace')).code).toBe(0);
    const bare = writeTinyModel(join(folder, 'bare'), { seed: 3, tokenizer: false });
    const { records } = await json('model', 'add', bare);
    expect(records[0].notes).toEqual([expect.stringMatching(/no tokenizer\.json/)]);
    expect(records[0].tokenizer).toBeUndefined();
  });
});

describe('lethe data', () => {
  it('adds sources with licence and counts, lists and checks them', async () => {
    const { folder, store, run, json } = setup();
    const { bbq, gsm8k } = writeLookAlikes(folder);
    expect((await json('data', 'add', 'bbq', bbq)).records[0]).toMatchObject({
      ...{ event: 'added', kind: 'bbq', licence: 'CC-BY-4.0', rows: 256, examples: { unsafe: 128, safe: 256 } },
    });
    await json('data', 'add', 'gsm8k', gsm8k, '--name', 'sums');
    expect((await json('data', 'list')).records.map(({ name }) => name)).toEqual(['bbq', 'sums']);
    expect((await json('data', 'check')).code).toBe(0);
    const [{ digest }] = (await json('data', 'check', 'sums')).records;
    appendFileSync(join(store, 'data-sources', digest, 'train.jsonl'), '\n');
    expect((await run('data', 'check')).code).toBe(3);
  });

  it('refuses an unknown kind and rows of another', async () => {
    const { folder, run, inside } = setup();
    const { gsm8k } = writeLookAlikes(folder);
    expect(await run('data', 'add', 'squad', gsm8k)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/bbq, gsm8k, jsonl; got "squad"/),
    });
    expect(await run('data', 'add', 'bbq', gsm8k)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/test\.jsonl:1: example_id/),
    });
    expect(inside('data-sources')).toEqual([]);
  });
});

describe('a sweep of texts', () => {
  it('is refused with the commands to type until its inputs are there, then priced by its true lengths', async () => {
    const { folder, run, json } = setup();
    const file = join(folder, 'boats.yaml');
    writeFileSync(
      file,
      `name: boats
models: [{ weights: tiny }]
arms: [forgetting]
seeds: [1]
data: { kind: bbq-gsm8k, version: 1 }
training: { batch: 4, learningRate: 0.001 }
sessions:
  finetune:
    train:
      - { class: unsafe, count: 8 }
      - { class: safe, count: 8 }
      - { class: task, count: 8 }
    steps: 4
  review: { train: [{ class: safe, count: 8 }], steps: 2 }
analysis: { scaleClaim: false, anchorStep: 2 }
`,
    );
    for (const command of ['plan', 'run']) {
      const refused = await run(command, file);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(
        /lethe model add PATH --name tiny[\s\S]*lethe data add bbq PATH[\s\S]*lethe data add gsm8k PATH/,
      );
    }
    const { bbq, gsm8k } = writeLookAlikes(folder);
    await json('model', 'add', writeTinyModel(join(folder, 'tiny')));
    await json('data', 'add', 'bbq', bbq);
    await json('data', 'add', 'gsm8k', gsm8k);
    const { code, records } = await json('plan', file);
    expect(code).toBe(0);
    const tokens = records[0].stages[0].trainedTokens / 16;
    expect(tokens).toBeGreaterThan(40);
    expect(tokens).toBeLessThan(256);
    writeFileSync(file, readFileSync(file, 'utf8').replace('{ class: task, count: 8 }', '{ class: task, count: 40 }'));
    expect(await run('plan', file)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/expected 40 task examples for the split noisy, got 24/),
    });
  });
});
