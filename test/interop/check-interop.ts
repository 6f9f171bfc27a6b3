import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePythonVenv } from '../../scripts/setup/python-venv.mjs';
import { exportModel } from '../../src/artifacts/export-model.ts';
import { huggingFaceConfig } from '../../src/artifacts/hugging-face-config.ts';
import { resultOf } from '../../src/artifacts/lineage.ts';
import { Store } from '../../src/artifacts/store.ts';
import { digestOf } from '../../src/experiment/canonical-json.ts';
import type { ModelSpec, StageStart, Tuning } from '../../src/experiment/stage-spec.ts';
import { tinyStage, writeData, writeStage } from '../native/support/tiny-stage.ts';
import { TRAINER, writerOf } from '../native/support/trainer.ts';

/**
 * Models made by Transformers, tuned by the trainer in every way, exported, and loaded again by Transformers and PEFT: `npm run check:interop`. The environment
 * with both is made in the user's cache folder ($LETHE_INTEROP_VENV names one that is there). Writes docs/results/interop.md.
 */

const HERE = import.meta.dirname;
/** Log-probability of a token and logit: fp32 sums in other orders, through four blocks. */
const TOLERANCE = { logProbPerToken: 2e-5, logit: 5e-4 };

const BASE: ModelSpec = {
  family: 'gpt2',
  layers: 4,
  width: 96,
  heads: 6,
  keyValueHeads: 6,
  feedForward: 384,
  context: 64,
  vocabulary: 211,
  tiedHead: true,
  normEpsilon: 1e-5,
  ropeBase: 10_000,
  initialRange: 0.02,
};
const LLAMA: ModelSpec = { ...BASE, family: 'llama', keyValueHeads: 2, feedForward: 256, normEpsilon: 1e-6 };
const MODELS: Readonly<Record<string, ModelSpec>> = {
  'gpt2-tied': BASE,
  'llama-tied-grouped': LLAMA,
  'llama-untied-llama3-positions': {
    ...LLAMA,
    tiedHead: false,
    ropeBase: 500_000,
    ropeScaling: { kind: 'llama3', factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16 },
  },
};
const TUNINGS: Readonly<Record<string, (family: ModelSpec['family']) => Tuning | undefined>> = {
  full: () => undefined,
  lora: (family) => ({
    kind: 'lora',
    rank: 8,
    alpha: 16,
    dropout: 0.1,
    targets: family === 'gpt2' ? ['c_attn', 'c_fc', 'c_proj'] : ['down_proj', 'q_proj', 'v_proj'],
  }),
  'top-block': () => ({ kind: 'top-block' }),
  head: () => ({ kind: 'head' }),
};

interface Comparison {
  readonly name: string;
  readonly rows: number;
  readonly logProbPerToken: number;
  readonly mergedAgainstAdapted?: number;
  readonly otherGreedy: readonly string[];
  readonly problems: Readonly<Record<string, readonly string[]>>;
}

const python = await ensurePythonVenv({ name: 'interop', given: process.env.LETHE_INTEROP_VENV });
const work = mkdtempSync(join(tmpdir(), 'lethe-interop-'));
try {
  const bases = Object.entries(MODELS).map(([name, spec]) => {
    const folder = join(work, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(huggingFaceConfig(spec)));
    return { name, spec, folder };
  });
  run(python, [join(HERE, 'make_models.py'), ...bases.map(({ folder }) => folder)]);
  const store = await Store.create(join(work, 'store'), { address: '127.0.0.1:1', namespace: 'none' });
  const data = writeData(store.path, { rows: 24, promptTokens: 9, responseTokens: 6 });
  const cases: object[] = [];
  for (const { name, spec, folder } of bases) {
    const start = keepModel(store, folder);
    for (const [label, tuning] of Object.entries(TUNINGS))
      cases.push(await tune(`${name} ${label}`, spec, start, tuning(spec.family)));
    async function tune(
      title: string,
      model: ModelSpec,
      from: StageStart,
      chosen: Tuning | undefined,
    ): Promise<object> {
      const train = { steps: 25, batch: 8, ...(chosen && { tuning: chosen }) };
      const path = writeStage(store.path, { ...tinyStage(data, train, [], model), start: from });
      run(TRAINER, ['--stage', path, '--attempt', '1']);
      const stage = store.stage(path.slice(-64));
      const result = await stage.publishResult(await resultOf(stage, 1, new Date().toISOString()));
      const exported = await exportModel(stage, join(work, 'exported', title));
      const scores = readdirSync(join(writerOf(path, 1), 'scores')).at(-1)!;
      return {
        name: title,
        base: folder,
        ...exported,
        tokens: join(store.dataPath(data.digest), 'tokens.jsonl'),
        scores: join(path, result.anchors.at(-1)?.path ?? scores),
        maxNewTokens: 8,
        endToken: 0,
      };
    }
  }
  writeFileSync(join(work, 'cases.json'), JSON.stringify(cases));
  const { versions, results } = JSON.parse(
    run(python, [join(HERE, 'compare_models.py'), join(work, 'cases.json')]),
  ) as {
    versions: Record<string, string>;
    results: Comparison[];
  };
  const failed = results.filter((result) => !agrees(result));
  const page = render(versions, results);
  console.log(page);
  if (failed.length === 0) {
    const results = join(HERE, '..', '..', 'docs', 'results');
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, 'interop.md'), page);
  } else {
    console.error(`expected agreement everywhere, found none in: ${failed.map(({ name }) => name).join(', ')}`);
    console.error(JSON.stringify(failed, null, 1));
    process.exitCode = 1;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

function agrees({ logProbPerToken, mergedAgainstAdapted = 0, otherGreedy, problems }: Comparison): boolean {
  const near = logProbPerToken <= TOLERANCE.logProbPerToken && mergedAgainstAdapted <= TOLERANCE.logit;
  return near && otherGreedy.length === 0 && Object.keys(problems).length === 0;
}

function render(versions: Readonly<Record<string, string>>, results: readonly Comparison[]): string {
  const digits = (value: number | undefined) => (value === undefined ? '' : value.toExponential(1));
  const rows = results.map(
    ({ name, logProbPerToken, mergedAgainstAdapted, otherGreedy }) =>
      `| ${name} | ${digits(logProbPerToken)} | ${digits(mergedAgainstAdapted)} | ${otherGreedy.length === 0 ? 'equal' : otherGreedy.length} |`,
  );
  return `# Exported models in Transformers and PEFT

Written by \`npm run check:interop\` on ${new Date().toISOString().slice(0, 10)} with ${Object.entries(versions)
    .map((pair) => pair.join(' '))
    .join(', ')}; trainer ${JSON.parse(run(TRAINER, ['--version'])).version}.

Transformers made each model (random weights, 4 blocks of width 96) and wrote its folder; the trainer read that folder, tuned for 25 steps and scored ${results[0]?.rows} examples; \`exportModel\` wrote
the folders that were loaded here, with no tensor missing or left over. The differences are the largest over all examples: of a token's mean log-probability between the trainer and Transformers (and PEFT), and of any logit
between the merged model in Transformers and base model + adapter in PEFT. Bounds: ${TOLERANCE.logProbPerToken}, ${TOLERANCE.logit}.

| model, tuning | log-probability a token | logits, merged against adapter | greedy continuations |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** Lays a Hugging Face folder down as a model of the store. */
function keepModel(into: Store, folder: string): StageStart {
  const files = Object.fromEntries(
    ['config.json', 'model.safetensors'].map((name) => {
      const content = readFileSync(join(folder, name));
      return [name, { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }];
    }),
  );
  const digest = digestOf(files);
  cpSync(folder, into.modelPath(digest), { recursive: true });
  const manifest = { format: 'lethe-model/1', digest, name: 'made', source: 'Transformers', files };
  writeFileSync(join(into.modelPath(digest), 'manifest.json'), JSON.stringify(manifest));
  return { kind: 'weights', digest };
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${status ?? error?.message}:\n${stderr}`);
}
