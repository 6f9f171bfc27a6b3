import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../src/experiment/canonical-json.ts';
import type { ModelSpec } from '../../../src/experiment/stage-spec.ts';

/** Lays a GPT-2 down as `models/<digest>/` of a store: config.json of this spec, the weights of a file, a tokenizer that does not count. */
export function storeModel(store: string, spec: ModelSpec, weights: string): { digest: string; folder: string } {
  const config = {
    model_type: 'gpt2',
    n_layer: spec.layers,
    n_embd: spec.width,
    n_head: spec.heads,
    n_inner: spec.feedForward,
    n_positions: spec.context,
    vocab_size: spec.vocabulary,
    layer_norm_epsilon: spec.normEpsilon,
  };
  const contents: Record<string, Buffer> = {
    'config.json': Buffer.from(JSON.stringify(config)),
    'model.safetensors': readFileSync(weights),
    'tokenizer.json': Buffer.from('{}'),
  };
  const listed = Object.entries(contents).map(([name, content]) => {
    const sha256 = createHash('sha256').update(content).digest('hex');
    return [name, { sha256, bytes: content.length }] as const;
  });
  const digest = digestOf(Object.fromEntries(listed.filter(([name]) => name !== 'tokenizer.json')));
  const folder = join(store, 'models', digest);
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
  const manifest = {
    format: 'lethe-model/1',
    digest,
    name: 'tiny',
    source: 'a test',
    files: Object.fromEntries(listed),
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return { digest, folder };
}
