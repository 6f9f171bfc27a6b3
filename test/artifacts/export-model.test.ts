import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CannotExport, exportModel } from '../../src/artifacts/export-model.ts';
import { huggingFaceConfig } from '../../src/artifacts/hugging-face-config.ts';
import { resultOf } from '../../src/artifacts/lineage.ts';
import type { StageSpec, Tuning } from '../../src/experiment/stage-spec.ts';
import { NOW, StageWorld, type TestWriter, write } from './support/stage-world.ts';

const DIGEST = 'a'.repeat(64);
const LORA: Tuning = { kind: 'lora', rank: 2, alpha: 4, dropout: 0, targets: ['c_attn'] };

let world: StageWorld;
let writer: TestWriter;
let to: string;
beforeEach(async () => {
  world = await StageWorld.create();
  to = join(world.store.path, 'exported');
});
afterEach(() => world.remove());

async function finish(changes: (spec: StageSpec) => StageSpec): Promise<void> {
  const spec = changes(await world.stage.spec());
  await write(join(world.stage.path, 'run.json'), JSON.stringify(spec));
  writer = await world.writer(1, 'w');
  for (const step of [0, 20, 40]) {
    await writer.checkpoint(step);
    await writer.scores(step);
  }
  await writer.outcome(0, 40);
  await world.stage.publishResult(await resultOf(world.stage, 1, NOW));
}

describe('the exported model', () => {
  it('is a folder for Transformers with the tokenizer of the model that the chain of stages began with', async () => {
    await finish((spec) => ({ ...spec, start: { kind: 'weights', digest: DIGEST } }));
    await mkdir(world.store.modelPath(DIGEST), { recursive: true });
    for (const name of ['tokenizer.json', 'chat_template.jinja', 'model.safetensors', 'config.json'])
      await write(join(world.store.modelPath(DIGEST), name), `${name} of the source`);
    const exported = await exportModel(world.stage, to);
    expect(exported).toEqual({ model: join(to, 'model'), tokenizerFiles: ['tokenizer.json', 'chat_template.jinja'] });
    const text = (name: string) => readFileSync(join(to, 'model', name), 'utf8');
    expect(text('model.safetensors')).toBe('model.safetensors of step 40');
    expect(text('tokenizer.json')).toBe('tokenizer.json of the source');
    expect(JSON.parse(text('config.json'))).toMatchObject({
      model_type: 'gpt2',
      n_embd: 8,
      n_inner: 32,
      vocab_size: 16,
    });
  });

  it('has the adapter of a LoRA stage in a folder of its own', async () => {
    await finish((spec) => ({ ...spec, train: { ...spec.train!, tuning: LORA } }));
    for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
      await writer.write(`checkpoints/step-000040/${name}`, name);
    const { adapter } = await exportModel(world.stage, to);
    expect(adapter).toBe(join(to, 'adapter'));
    expect(readFileSync(join(to, 'adapter', 'adapter_config.json'), 'utf8')).toBe('adapter_config.json');
    expect(existsSync(join(to, 'model', 'adapter_config.json'))).toBe(false);
  });

  it('is refused when the stage is not done, the folder is not empty, or the weights are not those of the result', async () => {
    await expect(exportModel(world.stage, to)).rejects.toThrow('which has no result yet');
    await finish((spec) => spec);
    await write(join(to, 'letter.txt'), 'mine');
    await expect(exportModel(world.stage, to)).rejects.toThrow('expected an empty or new folder');
    await writer.write('checkpoints/step-000040/model.safetensors', 'model.safetensors of step 41');
    const other = join(world.store.path, 'other');
    await expect(exportModel(world.stage, other)).rejects.toThrow(CannotExport);
    expect(existsSync(other)).toBe(false);
  });
});

it('config.json of a LLaMA says how its rotary positions are scaled', async () => {
  const { model } = await world.stage.spec();
  const llama = {
    ...model,
    family: 'llama' as const,
    heads: 2,
    keyValueHeads: 1,
    ropeBase: 500_000,
    ropeScaling: {
      kind: 'llama3' as const,
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContext: 8192,
    },
  };
  expect(huggingFaceConfig(llama)).toMatchObject({
    model_type: 'llama',
    num_key_value_heads: 1,
    head_dim: 4,
    rope_theta: 500_000,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  });
});
