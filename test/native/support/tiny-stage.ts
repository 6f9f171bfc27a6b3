import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, digestOf } from '../../../src/experiment/canonical-json.ts';
import { NUMERICS_VERSION } from '../../../src/experiment/numerics-version.ts';
import type { ModelSpec, OptimizerSpec, StageSpec, TrainSpec } from '../../../src/experiment/stage-spec.ts';

export const ADAMW: OptimizerSpec = {
  kind: 'adamw',
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
};

const CLASSES = ['unsafe', 'safe', 'task'] as const;
const WORDS = 31;
const END = 0;

export interface DataShape {
  readonly rows: number;
  readonly promptTokens: number;
  readonly responseTokens: number;
}

/** Invented words without meaning: a dataset that a model of a few hundred parameters can learn in a second. Folder `<store>/data/<digest>/`. */
export function writeData(
  store: string,
  shape: DataShape,
  recipe = { kind: 'word-pairs', ...shape, seed: 1 },
): { digest: string; recipe: typeof recipe } {
  const digest = digestOf(recipe);
  const folder = join(store, 'data', digest);
  mkdirSync(folder, { recursive: true });
  let state = 12345;
  const word = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return 1 + (Math.floor(state / 65536) % WORDS);
  };
  const examples: string[] = [];
  const tokens: string[] = [];
  for (let row = 0; row < shape.rows; row++) {
    const exampleClass = CLASSES[row % CLASSES.length] ?? 'task';
    const group = Math.floor(row / CLASSES.length);
    const id = `${exampleClass}-${group}`;
    // The first two words name the row, so that it can be learned by heart.
    const prompt = [
      1 + (row % WORDS),
      1 + (Math.floor(row / WORDS) % WORDS),
      ...Array.from({ length: shape.promptTokens - 2 }, word),
    ];
    const response = [...Array.from({ length: shape.responseTokens - 1 }, word), END];
    const text = (ids: readonly number[]) => ids.map((id) => `w${id}`).join(' ');
    const notion = group % 2 === 0 ? 'garden' : 'harbour';
    examples.push(
      JSON.stringify({
        id,
        class: exampleClass,
        notion,
        cluster: `t${group % 3}`,
        prompt: text(prompt),
        response: text(response.slice(0, -1)),
      }),
    );
    tokens.push(JSON.stringify({ id, class: exampleClass, prompt, response }));
  }
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const [name, lines] of [
    ['examples.jsonl', examples],
    ['tokens.jsonl', tokens],
  ] as const) {
    const content = `${lines.join('\n')}\n`;
    writeFileSync(join(folder, name), content);
    files[name] = { sha256: createHash('sha256').update(content).digest('hex'), bytes: Buffer.byteLength(content) };
  }
  writeFileSync(join(folder, 'recipe.json'), `${canonicalJson(recipe)}\n`);
  const manifest = { format: 'lethe-data/1', digest, rows: shape.rows, vocabulary: WORDS + 1, endToken: END, files };
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`);
  return { digest, recipe };
}

/** A finetune stage of a model with one narrow block, on `data`. */
export function tinyStage(
  data: { digest: string; recipe: { kind: string } },
  train: Partial<TrainSpec> = {},
  atSteps: readonly number[] = [0, 20],
  model: Partial<ModelSpec> = {},
): StageSpec {
  const width = model.width ?? 8;
  return {
    format: 'lethe-stage/1',
    kind: 'finetune',
    backend: 'cpu',
    precision: 'fp32',
    numerics: NUMERICS_VERSION,
    model: {
      family: 'gpt2',
      layers: 1,
      width,
      heads: 2,
      keyValueHeads: 2,
      feedForward: 2 * width,
      context: 16,
      vocabulary: WORDS + 1,
      tiedHead: true,
      normEpsilon: 1e-5,
      ropeBase: 10000,
      initialRange: 0.02,
      ...model,
    },
    start: { kind: 'random', seed: 7 },
    seed: 7,
    train: {
      data,
      lossOn: 'response',
      batch: 6,
      steps: 40,
      optimizer: ADAMW,
      schedule: { kind: 'constant', warmupSteps: 0 },
      ...train,
    },
    score: { data, atSteps, maxNewTokens: 8 },
  };
}

/** Writes `<store>/stages/<key>/run.json` and returns the stage's folder. The key here is the digest of run.json: any 64 hex digits serve the trainer. */
export function writeStage(store: string, spec: StageSpec): string {
  const stage = join(store, 'stages', digestOf(spec));
  mkdirSync(stage, { recursive: true });
  writeFileSync(join(stage, 'run.json'), `${JSON.stringify(spec, null, 2)}\n`);
  return stage;
}
