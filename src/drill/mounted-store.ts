import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from '../artifacts/has-code.ts';
import { replaceFile } from '../artifacts/replace-file.ts';
import { statOf, tailOf } from '../artifacts/small-files.ts';
import { Store, type TemporalAddress } from '../artifacts/store.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import type { WriterFolder } from '../artifacts/writer-folder.ts';
import type { TrainerFlags } from '../recovery/evidence.ts';
import type { AnchorScores, Damage, DrillPlace, DrillStore } from './drill-store.ts';
import type { DrillSweep } from './drill-sweep.ts';
import type { AttemptTrace, ProgressPoint, StageTrace, WriterTrace } from './stage-trace.ts';

export interface MountedStoreOptions {
  /** Folder in which the drill makes its own; below the claim's mount. */
  readonly folder: string;
  /** Folder of the claim's volume that is mounted at `mount`. */
  readonly subPath: string;
  readonly mount: string;
  readonly temporal: TemporalAddress;
  readonly sweep: DrillSweep;
  /** A folder of `folder` that is a small volume of its own. */
  readonly smallVolume?: string;
}

const PROGRESS_BYTES = 4 * 2 ** 20;

/** Stores of a drill in a volume that this machine has mounted where the jobs see it. */
export class MountedDrillStore implements DrillStore {
  private readonly options: MountedStoreOptions;

  constructor(options: MountedStoreOptions) {
    this.options = options;
  }

  async place(
    name: string,
    { after, alone = false }: { readonly after?: DrillPlace | undefined; readonly alone?: boolean } = {},
  ): Promise<DrillPlace> {
    const { folder, subPath, mount, temporal, sweep, smallVolume } = this.options;
    if (alone && smallVolume === undefined) throw new Error(`${name}: expected a small volume of its own, got none`);
    const path = alone && smallVolume !== undefined ? smallVolume : join(folder, name);
    await mkdir(path, { recursive: true });
    const store = await Store.create(path, temporal);
    if (after !== undefined) await copyFinished(after.path, store, sweep.stage.key);
    const frozen = await SweepFolder.freeze(store, sweep.plan, sweep.planHash, sweep.text);
    await frozen.saveExecution(sweep.execution);
    return new MountedPlace(store, sweep, join(subPath, relative(mount, path)));
  }

  async remove(): Promise<void> {
    await rm(this.options.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

class MountedPlace implements DrillPlace {
  readonly storeId: string;
  readonly path: string;
  readonly subPath: string;
  private readonly store: Store;
  private readonly sweep: DrillSweep;
  private readonly undo: (() => Promise<void>)[] = [];

  constructor(store: Store, sweep: DrillSweep, subPath: string) {
    this.storeId = store.id;
    this.path = store.path;
    this.subPath = subPath;
    this.store = store;
    this.sweep = sweep;
  }

  private get stage() {
    return this.store.stage(this.sweep.stage.key);
  }

  async trace(): Promise<StageTrace> {
    const attempts: AttemptTrace[] = [];
    const writers: WriterTrace[] = [];
    for (const number of await this.stage.attempts()) {
      const attempt = this.stage.attempt(number);
      const [job, evidence] = await Promise.all([attempt.job(), attempt.evidence()]);
      if (job === undefined) continue;
      attempts.push({ number, flags: flagsOf(job.command), over: evidence !== undefined });
      for (const writer of await attempt.writers()) writers.push(await traceOf(writer));
    }
    const result = await this.stage.result();
    return { attempts, writers, done: result !== undefined, microBatchChanged: result?.microBatchChanged ?? false };
  }

  async evidence() {
    return (await this.stage.history()).evidence;
  }

  async override(said: Parameters<DrillPlace['override']>[0]): Promise<void> {
    await this.stage.addOverride({ ...said, by: 'lethe drill', at: new Date().toISOString() });
  }

  async damage(damage: Damage): Promise<void> {
    switch (damage.kind) {
      case 'spec':
        return this.damageSpec(damage.fields);
      case 'start weights':
        return this.damageStart(damage.how);
      case 'checkpoints locked':
        return this.lockCheckpoints();
      case 'volume full':
        return this.fill();
    }
  }

  async mend(): Promise<void> {
    for (const undo of this.undo.splice(0).toReversed()) await undo();
  }

  async scores(): Promise<readonly AnchorScores[]> {
    const result = await this.stage.result();
    return Promise.all(
      (result?.anchors ?? []).map(async ({ step, path }) => {
        const lines = (await readFile(join(this.stage.path, path), 'utf8')).trimEnd().split('\n');
        const rows = lines.map((line) => JSON.parse(line) as { readonly id: string; readonly sumLogProb: number });
        return { step, sums: new Map(rows.map(({ id, sumLogProb }) => [id, sumLogProb])) };
      }),
    );
  }

  async finishedStages(): Promise<number> {
    const results = await Promise.all(this.sweep.plan.stages.map(({ key }) => this.store.stage(key).result()));
    return results.filter((result) => result !== undefined).length;
  }

  private async damageSpec(fields: Readonly<Record<string, string | number>>): Promise<void> {
    const spec = structuredClone(this.sweep.stage.spec) as unknown as Record<string, unknown>;
    for (const [path, value] of Object.entries(fields)) setAt(spec, path.split('.'), value);
    const file = join(this.stage.path, 'run.json');
    await mkdir(this.stage.path, { recursive: true });
    await replaceFile(file, `${JSON.stringify(spec)}\n`);
    this.undo.push(() => replaceFile(file, `${JSON.stringify(this.sweep.stage.spec)}\n`));
  }

  private async damageStart(how: 'flip a bit' | 'take away' | 'never answer'): Promise<void> {
    const { start } = this.sweep.stage.spec;
    if (start.kind !== 'stage') throw new Error(`expected a stage that starts from another, got ${start.kind}`);
    const parent = this.store.stage(start.key);
    const weights = (await parent.result())?.weights;
    if (weights === undefined) throw new Error(`expected the weights of ${parent.path}, got none`);
    const file = join(parent.path, weights.path);
    const bytes = await readFile(file);
    this.undo.push(() => replaceFile(file, bytes));
    if (how === 'flip a bit') {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
      return replaceFile(file, damaged);
    }
    await rm(file);
    // A pipe into which nobody writes: reading it takes for ever, as on a volume that hangs.
    if (how === 'never answer') await promisify(execFile)('mkfifo', ['-m', '0644', file]);
  }

  private async lockCheckpoints(): Promise<void> {
    const { writers } = await this.trace();
    const newest = writers.at(-1);
    if (newest === undefined) throw new Error(`${this.stage.path}: expected a writer, got none`);
    const folder = join(this.stage.attempt(newest.attempt).path, newest.name, 'checkpoints');
    await chmod(folder, 0o555);
    this.undo.push(() => chmod(folder, 0o777));
  }

  private async fill(): Promise<void> {
    const file = join(this.path, 'filler');
    this.undo.push(() => rm(file, { force: true }));
    const filler = await open(file, 'w');
    try {
      for (let piece = 2 ** 20; piece >= 1; ) {
        try {
          await filler.write(Buffer.alloc(piece));
        } catch (error) {
          if (!hasCode(error, 'ENOSPC')) throw error;
          piece = Math.floor(piece / 2);
        }
      }
    } finally {
      await filler.close();
    }
  }
}

async function copyFinished(from: string, to: Store, but: string): Promise<void> {
  const keep = (path: string) => !path.startsWith(join(from, 'stages', but));
  for (const name of ['stages', 'data'])
    await cp(join(from, name), join(to.path, name), { recursive: true, filter: keep, preserveTimestamps: true });
}

async function traceOf(writer: WriterFolder): Promise<WriterTrace> {
  const [origin, began, checkpointStep, outcome, text] = await Promise.all([
    writer.origin(),
    statOf(join(writer.path, 'from.json')),
    writer.newestCheckpoint(),
    writer.outcome(),
    tailOf(join(writer.path, 'progress.jsonl'), PROGRESS_BYTES),
  ]);
  return {
    attempt: writer.attempt.number,
    name: writer.name,
    beganMs: began?.mtimeMs ?? Number.POSITIVE_INFINITY,
    fromStep: origin?.step ?? 0,
    checkpointStep,
    progress: pointsOf(text ?? ''),
    ...(outcome === undefined ? {} : { code: outcome.code, endStep: outcome.step }),
  };
}

/** Whole lines; the last may still be under the pen. */
function pointsOf(text: string): ProgressPoint[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { step, time, loss } = JSON.parse(line) as { step: number; time: number; loss?: number };
      return { step, timeMs: time * 1_000, ...(loss === undefined ? {} : { loss }) };
    });
}

function flagsOf(command: readonly string[]): TrainerFlags {
  const number = (flag: string) => Number(command[command.indexOf(flag) + 1]);
  return {
    microBatch: number('--micro-batch'),
    accumulate: number('--accumulate'),
    recompute: command.includes('--recompute'),
  };
}

function setAt(object: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) object[name] = value;
  else setAt(object[name] as Record<string, unknown>, rest, value);
}
