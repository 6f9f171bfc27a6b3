import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGgufHead } from '../../src/data/models/gguf-file.ts';
import { modelOfConfig, modelOfGguf } from '../../src/experiment/foreign-model.ts';

const WEIGHTS = join(import.meta.dirname, '../fixtures/native/weights');
const config = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(WEIGHTS, name, 'config.json'), 'utf8'));

function sentence(change: Record<string, unknown>, of = 'llama'): string {
  const model = modelOfConfig({ ...config(of), ...change }, 'config.json');
  if (model.ok) throw new Error('expected a refusal, got a model');
  return model.sentence;
}

describe('the model of a config.json', () => {
  it('is that of Transformers, with its defaults, for both families', () => {
    expect(modelOfConfig(config('gpt2'), 'config.json')).toMatchObject({
      ok: true,
      spec: { family: 'gpt2', layers: 2, width: 32, heads: 4, feedForward: 64, vocabulary: 40, tiedHead: true },
    });
    expect(modelOfConfig(config('llama'), 'config.json')).toMatchObject({
      ok: true,
      spec: { family: 'llama', keyValueHeads: 2, ropeBase: 50_000, normEpsilon: 1e-6, tiedHead: false },
    });
    const { n_inner: _, ...short } = config('gpt2');
    expect(modelOfConfig(short, 'config.json')).toMatchObject({ spec: { feedForward: 128 } });
  });

  it('takes rope scaling from its older and its newer place', () => {
    const llama3 = {
      ...{ rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
      original_max_position_embeddings: 8192,
    };
    const { rope_parameters: _, ...older } = config('llama');
    const scaling = (rope: object) => modelOfConfig({ ...older, ...rope }, 'config.json');
    expect(scaling({ rope_scaling: { type: 'linear', factor: 2 } })).toMatchObject({
      spec: { ropeScaling: { kind: 'linear', factor: 2 }, ropeBase: 10_000 },
    });
    expect(scaling({ rope_parameters: { ...llama3, rope_theta: 500_000 } })).toMatchObject({
      spec: {
        ropeBase: 500_000,
        ropeScaling: {
          kind: 'llama3',
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContext: 8192,
        },
      },
    });
    expect(scaling({ rope_scaling: null })).toEqual(expect.objectContaining({ ok: true }));
    expect(sentence({ rope_parameters: { rope_type: 'yarn', factor: 4 } })).toMatch(
      /rope_type.*default or linear or llama3/,
    );
  });

  it('refuses what would be computed otherwise, with the field', () => {
    expect(sentence({ model_type: 'mamba' })).toMatch(/model_type to be gpt2 or llama; got "mamba"/);
    expect(sentence({ hidden_act: 'gelu' })).toMatch(/hidden_act to be silu; got "gelu"/);
    expect(sentence({ attention_bias: true })).toMatch(/attention_bias to be false; got true/);
    expect(sentence({ activation_function: 'relu' }, 'gpt2')).toMatch(/activation_function/);
    expect(sentence({ head_dim: 16 })).toMatch(/head_dim to be 32 \/ 4, got 16/);
    expect(sentence({ num_attention_heads: 3, head_dim: null })).toMatch(/divides the width 32, got 3/);
    expect(sentence({ hidden_size: undefined })).toMatch(/hidden_size.*got nothing/);
  });
});

describe('the model of GGUF keys', () => {
  const keys = new Map<string, unknown>([
    ['general.architecture', 'llama'],
    ['llama.block_count', 2],
    ['llama.context_length', 64],
    ['llama.embedding_length', 32],
    ['llama.feed_forward_length', 64],
    ['llama.attention.head_count', 4],
    ['llama.attention.head_count_kv', 2],
    // As a 32-bit float holds 1e-5.
    ['llama.attention.layer_norm_rms_epsilon', Math.fround(1e-5)],
    ['llama.rope.freq_base', 100_000],
  ]);
  const tensors = new Map([['token_embd.weight', [40, 32]]]);

  it('is the one that was meant: short decimals, a head that is tied when it has no tensor', () => {
    expect(modelOfGguf({ keys, tensors }, 'm.gguf')).toMatchObject({
      ok: true,
      spec: { family: 'llama', vocabulary: 40, normEpsilon: 1e-5, ropeBase: 100_000, tiedHead: true, keyValueHeads: 2 },
    });
    const own = new Map(tensors).set('output.weight', [40, 32]);
    expect(modelOfGguf({ keys, tensors: own }, 'm.gguf')).toMatchObject({ spec: { tiedHead: false } });
    const linear = new Map(keys).set('llama.rope.scaling.type', 'linear').set('llama.rope.scaling.factor', 4);
    expect(modelOfGguf({ keys: linear, tensors }, 'm.gguf')).toMatchObject({
      spec: { ropeScaling: { kind: 'linear', factor: 4 } },
    });
  });

  it('refuses another architecture', () => {
    const other = new Map(keys).set('general.architecture', 'gpt2');
    expect(modelOfGguf({ keys: other, tensors }, 'm.gguf')).toMatchObject({
      sentence: expect.stringMatching(/m\.gguf: expected general\.architecture llama, got "gpt2"/),
    });
  });
  it('finds the numbers of Llama 3 again from the divisors of its frequencies', () => {
    // Llama 3.1: head width 128, base 500,000, factor 8, pretrained on 8192 tokens.
    const wide = new Map(keys).set('llama.embedding_length', 512).set('llama.rope.freq_base', 500_000);
    const divisors = Array.from({ length: 64 }, (_, pair) => {
      const wavelength = 2 * Math.PI * 500_000 ** (pair / 64);
      if (wavelength > 8192) return 8;
      if (wavelength < 2048) return 1;
      const blend = (8192 / wavelength - 1) / 3;
      return Math.fround(1 / ((1 - blend) / 8 + blend));
    });
    const rows = new Map([['token_embd.weight', [40, 512]]]);
    expect(modelOfGguf({ keys: wide, tensors: rows, ropeDivisors: divisors }, 'm.gguf')).toMatchObject({
      spec: {
        ropeScaling: {
          kind: 'llama3',
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContext: 8192,
        },
      },
    });
    const other = divisors.map((divisor, pair) => (pair === 40 ? divisor * 1.1 : divisor));
    expect(modelOfGguf({ keys: wide, tensors: rows, ropeDivisors: other }, 'm.gguf')).toMatchObject({
      sentence: expect.stringMatching(/rope_freqs\.weight to scale as Llama 3 does/),
    });
  });

  it('is the one of the folder that the file was made from', () => {
    const head = readGgufHead(join(WEIGHTS, 'llama3.gguf'));
    const [fromGguf, fromFolder] = [modelOfGguf(head, 'llama3.gguf'), modelOfConfig(config('llama3'), 'config.json')];
    expect(fromGguf).toMatchObject({ ok: true, spec: { ropeScaling: { kind: 'llama3' } } });
    expect(fromGguf).toEqual(fromFolder);
  });
});
