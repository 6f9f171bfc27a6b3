import { join } from 'node:path';
import type { StageSpec } from '../experiment/stage-spec.ts';
import type { Evidence, StageOverride } from '../recovery/evidence.ts';
import { AttemptFolder } from './attempt-folder.ts';
import { publishJson, readJson, readJsonIfThere } from './read-json.ts';
import { overrideSchema, resultSchema, stageSpecSchema } from './schemas.ts';
import { namesIn } from './small-files.ts';
import type { StageResult } from './stage-result.ts';
import type { Store } from './store.ts';
import type { WriterFolder } from './writer-folder.ts';

/** Where a stage stands, by its files alone. */
export interface StageHistory {
  readonly result: StageResult | undefined;
  /** Attempts that are over, oldest first. */
  readonly evidence: readonly Evidence[];
  readonly overrides: readonly StageOverride[];
  /** The highest attempt, when it is not over: it is to be adopted, never to be decided again. */
  readonly open: AttemptFolder | undefined;
}

/** `stages/<key>/`: what one stage was asked, what was tried, what came out. */
export class StageFolder {
  readonly store: Store;
  readonly key: string;
  readonly path: string;

  constructor(store: Store, key: string) {
    this.store = store;
    this.key = key;
    this.path = join(store.stagesPath, key);
  }

  /** First twelve hex digits of the key, as names use it. */
  get shortKey(): string {
    return this.key.slice(0, 12);
  }

  spec(): Promise<StageSpec> {
    return readJson<StageSpec>(join(this.path, 'run.json'), stageSpecSchema);
  }

  async publishSpec(spec: StageSpec): Promise<void> {
    await publishJson(join(this.path, 'run.json'), spec, stageSpecSchema);
  }

  attempt(number: number): AttemptFolder {
    return new AttemptFolder(this, number);
  }

  /** Numbers of all attempts, ascending. */
  async attempts(): Promise<number[]> {
    return numbersIn(join(this.path, 'attempts'), /^(\d+)$/);
  }

  /** The processes of all attempts, or of those before one, oldest first. */
  async writers(before = Number.POSITIVE_INFINITY): Promise<WriterFolder[]> {
    const numbers = (await this.attempts()).filter((number) => number < before);
    return (await Promise.all(numbers.map((number) => this.attempt(number).writers()))).flat();
  }

  /** The attempt to work on: the highest without evidence.json, otherwise the next. */
  async currentAttempt(): Promise<number> {
    const numbers = await this.attempts();
    const last = numbers.at(-1) ?? 0;
    if (last === 0) return 1;
    return (await this.attempt(last).evidence()) === undefined ? last : last + 1;
  }

  /** All that the ledger needs, from the disk. */
  async history(): Promise<StageHistory> {
    const [result, numbers, overrides] = await Promise.all([this.result(), this.attempts(), this.overrides()]);
    const found = await Promise.all(numbers.map((number) => this.attempt(number).evidence()));
    const evidence = found.filter((over) => over !== undefined);
    const last = numbers.at(-1);
    const open = last === undefined || found.at(-1) !== undefined ? undefined : this.attempt(last);
    return { result, evidence, overrides, open };
  }

  async overrides(): Promise<StageOverride[]> {
    const numbers = await numbersIn(join(this.path, 'overrides'), /^(\d+)\.json$/);
    return Promise.all(numbers.map((number) => readJson<StageOverride>(this.overridePath(number), overrideSchema)));
  }

  /** Saves what a person said, under the next number. */
  async addOverride(said: Omit<StageOverride, 'sequence'>): Promise<StageOverride> {
    const taken = await numbersIn(join(this.path, 'overrides'), /^(\d+)\.json$/);
    for (let sequence = (taken.at(-1) ?? 0) + 1; ; sequence += 1) {
      const override: StageOverride = { ...said, sequence };
      const { won } = await publishJson(this.overridePath(sequence), override, overrideSchema);
      if (won) return override;
    }
  }

  /** The stage is done when this is there. */
  result(): Promise<StageResult | undefined> {
    return readJsonIfThere<StageResult>(join(this.path, 'result.json'), resultSchema);
  }

  /** Publishes the result; returns the one that stands. */
  async publishResult(result: StageResult): Promise<StageResult> {
    return (await publishJson(join(this.path, 'result.json'), result, resultSchema)).value;
  }

  get scoresPath(): string {
    return join(this.path, 'scores.parquet');
  }

  private overridePath(sequence: number): string {
    return join(this.path, 'overrides', `${sequence}.json`);
  }
}

async function numbersIn(folder: string, pattern: RegExp): Promise<number[]> {
  const names = await namesIn(folder);
  return names.flatMap((name) => Number(pattern.exec(name)?.[1] ?? Number.NaN) || []).sort((a, b) => a - b);
}
