import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededStream } from '../../src/data/seeded-stream.ts';

/** A LLaMA-style model of random weights in the form of Hugging Face, with the small tokenizer of the fixtures. */

const TOKENIZER = join(import.meta.dirname, '../fixtures/data/tokenizers/smollm');
const SHAPE = { layers: 2, width: 32, heads: 4, keyValueHeads: 2, feedForward: 64, vocabulary: 384, context: 512 };

export interface TinyModelOptions {
  /** Files that the tensors are spread over. */
  readonly shards?: number;
  readonly tokenizer?: boolean;
  readonly seed?: number;
}

/** Writes the folder and returns its path. */
export function writeTinyModel(
  folder: string,
  { shards = 1, tokenizer = true, seed = 1 }: TinyModelOptions = {},
): string {
  mkdirSync(folder, { recursive: true });
  const { layers, width, heads, keyValueHeads, feedForward, vocabulary, context } = SHAPE;
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], vocab_size: vocabulary },
      ...{ num_hidden_layers: layers, hidden_size: width, num_attention_heads: heads },
      ...{ num_key_value_heads: keyValueHeads, intermediate_size: feedForward, max_position_embeddings: context },
      ...{ rms_norm_eps: 1e-5, rope_theta: 10_000, hidden_act: 'silu', tie_word_embeddings: true },
    }),
  );
  const tensors = tensorsOf(new SeededStream(`tiny model ${seed}`));
  if (shards === 1) writeFileSync(join(folder, 'model.safetensors'), safetensors(tensors));
  else writeShards(folder, tensors, shards);
  writeFileSync(join(folder, 'README.md'), '---\nlicense: apache-2.0\n---\n# A tiny model\n');
  if (tokenizer) cpSync(TOKENIZER, folder, { recursive: true });
  return folder;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

function tensorsOf(stream: SeededStream): Tensor[] {
  const { layers, width, heads, keyValueHeads, feedForward, vocabulary } = SHAPE;
  const grouped = (width / heads) * keyValueHeads;
  const matrix = (name: string, rows: number, columns: number): Tensor => ({
    name,
    shape: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, () => (stream.below(2001) - 1000) / 8000),
  });
  const norm = (name: string): Tensor => ({ name, shape: [width], data: new Float32Array(width).fill(1) });
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const block = `model.layers.${layer}`;
    return [
      matrix(`${block}.self_attn.q_proj.weight`, width, width),
      matrix(`${block}.self_attn.k_proj.weight`, grouped, width),
      matrix(`${block}.self_attn.v_proj.weight`, grouped, width),
      matrix(`${block}.self_attn.o_proj.weight`, width, width),
      matrix(`${block}.mlp.gate_proj.weight`, feedForward, width),
      matrix(`${block}.mlp.up_proj.weight`, feedForward, width),
      matrix(`${block}.mlp.down_proj.weight`, width, feedForward),
      norm(`${block}.input_layernorm.weight`),
      norm(`${block}.post_attention_layernorm.weight`),
    ];
  }).flat();
  return [matrix('model.embed_tokens.weight', vocabulary, width), ...blocks, norm('model.norm.weight')];
}

function safetensors(tensors: readonly Tensor[]): Buffer {
  let offset = 0;
  const header: Record<string, object> = {};
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = JSON.stringify(header);
  // Tensors begin at a multiple of eight bytes.
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...tensors.map(({ data }) => Buffer.from(data.buffer))]);
}

function writeShards(folder: string, tensors: readonly Tensor[], shards: number): void {
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    const own = tensors.filter((_, index) => index % shards === shard);
    for (const tensor of own) map[tensor.name] = name;
    writeFileSync(join(folder, name), safetensors(own));
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
}
