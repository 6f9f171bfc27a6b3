import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../native/support/random.ts';
import { CliWorld } from './cli-world.ts';

/** What a stage left in the store, as its files say. */
export interface StageFiles {
  readonly key: string;
  readonly kind: string;
  /** Optimizer updates that its recipe asks for. */
  readonly steps: number;
  /** The highest step that any of its writers has told. */
  readonly reached: number;
  readonly result:
    | { readonly attempt: number; readonly writer: string; readonly lineage: readonly string[] }
    | undefined;
  readonly attempts: readonly {
    readonly number: number;
    readonly launchedPid: number | undefined;
    readonly evidence: Record<string, unknown> | undefined;
  }[];
}

/** A store of its own with a sweep file of the test's making, and what its files say of it. */
export class FaultWorld extends CliWorld {
  constructor(sweepFile: string) {
    super();
    writeFileSync(this.file, sweepFile);
  }

  /** Writes a file beside the store and returns its path. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** Removes something of the store. */
  remove(path: string): void {
    rmSync(join(this.store, path), { recursive: true, force: true });
  }

  stageFolder(key: string): string {
    return join(this.store, 'stages', key);
  }

  stages(): StageFiles[] {
    return namesIn(join(this.store, 'stages')).flatMap((key) => {
      const spec = json(join(this.stageFolder(key), 'run.json'));
      return spec === undefined ? [] : [this.#filesOf(key, spec)];
    });
  }

  /** Steps that are behind, over all stages. */
  stepsDone(): number {
    return this.stages().reduce((sum, { result, steps, reached }) => sum + (result ? steps : reached), 0);
  }

  #filesOf(key: string, spec: Record<string, unknown>): StageFiles {
    const folder = join(this.stageFolder(key), 'attempts');
    const numbers = namesIn(folder)
      .map(Number)
      .sort((a, b) => a - b);
    const writers = numbers.flatMap((number) =>
      namesIn(join(folder, String(number))).map((name) => join(folder, String(number), name)),
    );
    return {
      key,
      kind: String(spec.kind),
      steps: (spec.train as { steps?: number } | undefined)?.steps ?? 0,
      reached: Math.max(0, ...writers.map(lastStep)),
      result: json(join(this.stageFolder(key), 'result.json')) as StageFiles['result'],
      attempts: numbers.map((number) => ({
        number,
        launchedPid: json(join(folder, String(number), 'launched.json'))?.pid as number | undefined,
        evidence: json(join(folder, String(number), 'evidence.json')),
      })),
    };
  }
}

/** `LETHE_FAULT_SEED` when set, otherwise a new one; always printed, so that a failure can be played again. */
export function faultSeed(): { readonly seed: number; readonly random: () => number } {
  const seed = Number(process.env.LETHE_FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`LETHE_FAULT_SEED=${seed}`);
  return { seed, random: seededRandom(seed) };
}

export function json(file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // Not there, or just being written.
  }
}

function lastStep(writer: string): number {
  try {
    if (!statSync(writer).isDirectory()) return 0;
    const lines = readFileSync(join(writer, 'progress.jsonl'), 'utf8').split('\n');
    return (JSON.parse(lines.at(-2) ?? '{}') as { step?: number }).step ?? 0;
  } catch {
    return 0;
  }
}

/** Names in a folder; none when it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
