import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StageFolder } from '../../../src/artifacts/stage-folder.ts';
import { Store } from '../../../src/artifacts/store.ts';
import { stepFolder } from '../../../src/artifacts/writer-files.ts';
import { digestOf } from '../../../src/experiment/canonical-json.ts';
import type { StageSpec } from '../../../src/experiment/stage-spec.ts';
import type { Evidence } from '../../../src/recovery/evidence.ts';

export const ROWS = 3;
export const NOW = '2026-01-02T03:04:05.000Z';

const recipe = {
  ...{ kind: 'policy-grammar', version: 1, templates: 'disjoint', seed: 1 },
  parts: [{ notion: 'disclosure', class: 'safe', split: 'review', count: ROWS }],
};
const data = { digest: digestOf(recipe), recipe };

export const SPEC: StageSpec = {
  format: 'lethe-stage/1',
  kind: 'finetune',
  backend: 'cpu',
  precision: 'fp32',
  numerics: 1,
  model: {
    family: 'gpt2',
    layers: 1,
    width: 8,
    heads: 1,
    keyValueHeads: 1,
    feedForward: 32,
    context: 8,
    vocabulary: 16,
    tiedHead: true,
    normEpsilon: 1e-5,
    ropeBase: 10000,
    initialRange: 0.02,
  },
  start: { kind: 'random', seed: 1 },
  seed: 1,
  train: {
    data,
    lossOn: 'response',
    batch: 4,
    steps: 40,
    optimizer: {
      kind: 'adamw',
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
    },
    schedule: { kind: 'constant', warmupSteps: 0 },
  },
  score: { data, atSteps: [0, 20, 40, 60], maxNewTokens: 2 },
};

/** A store with one stage, and what a trainer may leave in it. */
export class StageWorld {
  readonly store: Store;
  readonly stage: StageFolder;

  private constructor(store: Store, stage: StageFolder) {
    this.store = store;
    this.stage = stage;
  }

  static async create(spec: StageSpec = SPEC): Promise<StageWorld> {
    const path = await mkdtemp(join(tmpdir(), 'lethe-store-'));
    const store = await Store.create(path, { address: 'localhost:7233', namespace: 'test' });
    const stage = store.stage(digestOf(spec));
    await stage.publishSpec(spec);
    const manifest = {
      format: 'lethe-data/1',
      digest: data.digest,
      rows: ROWS,
      vocabulary: 16,
      endToken: 0,
      files: {},
    };
    await write(join(store.dataPath(data.digest), 'manifest.json'), JSON.stringify(manifest));
    return new StageWorld(store, stage);
  }

  async writer(attempt: number, name: string, from: string | null = null): Promise<TestWriter> {
    const writer = new TestWriter(this.stage.attempt(attempt).writer(name).path);
    const step = from === null ? 0 : Number(from.slice(-6));
    const numerics = { backend: 'cpu', precision: 'fp32', cpu: 'avx2', blas: 'test', version: 1 };
    await writer.write('from.json', JSON.stringify({ checkpoint: from, step, numerics, build: `build of ${name}` }));
    return writer;
  }

  async job(attempt: number, microBatch: number): Promise<void> {
    const folder = this.stage.attempt(attempt);
    const job = {
      format: 'lethe-job/1' as const,
      name: folder.jobName,
      storeId: this.store.id,
      key: this.stage.key,
      attempt,
      command: ['lethe-trainer', '--micro-batch', String(microBatch)],
      environment: {},
      attemptFolder: folder.path,
      resources: { cores: 1, memoryBytes: 1, gpus: 0 },
      annotations: {},
    };
    await folder.publishJob(job);
  }

  async over(attempt: number, more: Partial<Evidence> = {}): Promise<Evidence> {
    const evidence: Evidence = {
      attempt,
      outcome: 'failed',
      failure: 'crash',
      rule: 'rule',
      sentence: 'sentence',
      checkpointStep: 0,
      reachedStep: 0,
      writers: [],
      logTail: [],
      events: [],
      endedAt: NOW,
      ...more,
    };
    return this.stage.attempt(attempt).publishEvidence(evidence);
  }

  async remove(): Promise<void> {
    await rm(this.store.path, { recursive: true, force: true });
  }
}

export class TestWriter {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async checkpoint(step: number): Promise<void> {
    const folder = join('checkpoints', stepFolder(step));
    const files: Record<string, { sha256: string; bytes: number }> = {};
    for (const name of ['model.safetensors', 'optimizer.safetensors']) {
      const content = `${name} of step ${step}`;
      files[name] = { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length };
      await this.write(join(folder, name), content);
    }
    await this.write(join(folder, 'manifest.json'), JSON.stringify({ step, files }));
  }

  async scores(step: number, rows = ROWS): Promise<void> {
    const lines = Array.from(
      { length: rows },
      (_, row) => `{"id":"e${row}","tokens":2,"sumLogProb":-1.5,"generated":[]}\n`,
    );
    await this.write(join('scores', `${stepFolder(step)}.jsonl`), lines.join(''));
  }

  async outcome(code: number, step: number): Promise<void> {
    await this.write(
      'outcome.json',
      JSON.stringify({ code, sentence: `ended with ${code}`, step, stoppedBy: 'stop-rule' }),
    );
  }

  write(name: string, content: string): Promise<void> {
    return write(join(this.path, name), content);
  }
}

export async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
