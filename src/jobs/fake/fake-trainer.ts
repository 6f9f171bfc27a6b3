import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { anchorsOf } from '../../artifacts/lineage.ts';
import { readJson } from '../../artifacts/read-json.ts';
import { stageSpecSchema } from '../../artifacts/schemas.ts';
import { type Outcome, stepFolder } from '../../artifacts/writer-files.ts';
import type { StageSpec } from '../../experiment/stage-spec.ts';

/** Writes what a trainer would write, without training: every file is whole and consistent, every number is made up from its place alone. */
export class FakeTrainer {
  private readonly folder: string;
  private readonly stageFolder: string;

  /** `attemptFolder` as in the job's spec; `writer` names the folder. */
  constructor(attemptFolder: string, writer: string) {
    this.folder = join(attemptFolder, writer);
    this.stageFolder = resolve(attemptFolder, '../..');
  }

  async begin(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const numerics = { backend: 'fake', precision: 'fp32', cpu: 'none', blas: 'none', version: 1 };
    await this.write(
      'from.json',
      JSON.stringify({ checkpoint: null, step: 0, numerics, build: sha256('fake trainer') }),
    );
  }

  async checkpoint(step: number): Promise<void> {
    const folder = join('checkpoints', stepFolder(step));
    const files: Record<string, { sha256: string; bytes: number }> = {};
    for (const name of ['model.safetensors', 'optimizer.safetensors']) {
      const content = `fake ${name} of step ${step}\n`;
      await this.write(join(folder, name), content);
      files[name] = { sha256: sha256(content), bytes: content.length };
    }
    await this.write(join(folder, 'manifest.json'), JSON.stringify({ step, files }));
    await this.progress(step);
  }

  /** Trains to the last step, scores every anchor. The outcome is that of a trainer whose data are missing when they are. */
  async finish(): Promise<Outcome> {
    const spec = await readJson<StageSpec>(join(this.stageFolder, 'run.json'), stageSpecSchema);
    const steps = spec.train?.steps ?? 0;
    if (spec.train !== undefined) await this.checkpoint(steps);
    if (spec.score !== undefined) {
      const data = join(dirname(dirname(this.stageFolder)), 'data', spec.score.data.digest, 'tokens.jsonl');
      const text = await readFile(data, 'utf8').catch(() => undefined);
      if (text === undefined)
        return { code: 66, sentence: `expected the scored data at ${data}, got no such file`, step: 0 };
      const rows = text.split('\n').filter((line) => line !== '');
      for (const step of anchorsOf(spec, steps)) await this.score(step, rows);
    }
    return { code: 0, sentence: `pretended to train ${steps} steps`, step: steps, stoppedBy: 'step-limit' };
  }

  async end(outcome: Outcome): Promise<void> {
    await this.write('outcome.json', JSON.stringify(outcome));
  }

  private async score(step: number, rows: readonly string[]): Promise<void> {
    const lines = rows.map((row) => {
      const { id, response } = JSON.parse(row) as { id: string; response: readonly number[] };
      const chance = Number.parseInt(sha256(`${id} ${step}`).slice(0, 8), 16) / 2 ** 32;
      return JSON.stringify({ id, tokens: response.length, sumLogProb: -chance, generated: response.slice(0, -1) });
    });
    await this.write(join('scores', `${stepFolder(step)}.jsonl`), lines.map((line) => `${line}\n`).join(''));
  }

  private async progress(step: number): Promise<void> {
    const line = {
      step,
      steps: step,
      loss: 1 / (1 + step),
      learningRate: 0.001,
      gradientNorm: 1,
      tokensPerSecond: 1000,
      checkpointSeconds: 0.5,
    };
    await this.write('progress.jsonl', `${JSON.stringify({ ...line, residentBytes: 1, time: Date.now() / 1000 })}\n`);
  }

  private async write(name: string, content: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
