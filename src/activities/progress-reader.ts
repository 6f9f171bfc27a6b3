import { join } from 'node:path';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { statOf } from '../artifacts/small-files.ts';
import type { WriterFolder } from '../artifacts/writer-folder.ts';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

type Progress = Pick<StageHeartbeat, 'step' | 'steps' | 'loss' | 'tokensPerSecond' | 'checkpoint' | 'checkpointAt'>;

/** Looks at most so often into the folders of the writers: a window of hundreds of jobs is watched by one thread. */
const LEAST_PAUSE_MS = 900;

/** What the newest writer of an attempt has got done, and for how long nothing has changed. */
export class ProgressReader {
  writers: readonly { readonly name: string; readonly checkpointStep: number }[] = [];
  readonly #attempt: AttemptFolder;
  #inherited: Promise<Progress> | undefined;
  #last: Progress = {};
  #mark = '';
  #checkpointed: Pick<Progress, 'checkpoint' | 'checkpointAt'> = { checkpoint: 0 };
  #changedAt = performance.now();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(attempt: AttemptFolder) {
    this.#attempt = attempt;
  }

  async read(): Promise<Progress> {
    if (performance.now() - this.#readAt < LEAST_PAUSE_MS) return this.#last;
    this.#readAt = performance.now();
    const folders = await this.#attempt.writers();
    this.writers = await Promise.all(
      folders.map(async (writer) => ({ name: writer.name, checkpointStep: await writer.newestCheckpoint() })),
    );
    const newest = folders.at(-1);
    const progress = await newest?.progress();
    const checkpoint = Math.max(0, ...this.writers.map((writer) => writer.checkpointStep));
    if (checkpoint !== this.#checkpointed.checkpoint) {
      const holder = folders[this.writers.findIndex((writer) => writer.checkpointStep === checkpoint)];
      this.#checkpointed = holder === undefined ? { checkpoint } : await checkpointOf(holder, checkpoint);
    }
    const scored = (await newest?.scoredSteps())?.length ?? 0;
    const mark = JSON.stringify([newest?.name, progress?.step, checkpoint, scored]);
    if (mark !== this.#mark) this.restart();
    this.#mark = mark;
    const { step, steps, loss, tokensPerSecond } = progress ?? {};
    this.#last = {
      ...(await this.inherited()),
      ...(step !== undefined && { step }),
      ...(steps !== undefined && { steps }),
      ...(loss !== undefined && { loss }),
      ...(tokensPerSecond !== undefined && { tokensPerSecond }),
      ...(checkpoint > 0 && this.#checkpointed),
    };
    return this.#last;
  }

  /** The newest checkpoint of earlier attempts: where this one stands until it has told more itself. */
  inherited(): Promise<Progress> {
    this.#inherited ??= this.#attempt.number > 1 ? this.#lookBack() : Promise.resolve({});
    return this.#inherited;
  }

  async #lookBack(): Promise<Progress> {
    const { stage, number } = this.#attempt;
    let found: Progress = {};
    for (const earlier of await stage.attempts()) {
      if (earlier >= number) continue;
      for (const writer of await stage.attempt(earlier).writers()) {
        const step = await writer.newestCheckpoint();
        if (step <= (found.checkpoint ?? 0)) continue;
        const { steps } = (await writer.progress()) ?? {};
        found = { step, ...(steps !== undefined && { steps }), ...(await checkpointOf(writer, step)) };
      }
    }
    return found;
  }

  /** Since the last step, checkpoint, scored anchor or new writer. */
  quietMs(): number {
    return performance.now() - this.#changedAt;
  }

  /** The job is not running: its quiet does not count. */
  restart(): void {
    this.#changedAt = performance.now();
  }
}

async function checkpointOf(
  writer: WriterFolder,
  step: number,
): Promise<Pick<Progress, 'checkpoint' | 'checkpointAt'>> {
  const about = await statOf(join(writer.checkpointPath(step), 'manifest.json'));
  return { checkpoint: step, ...(about !== undefined && { checkpointAt: Math.round(about.mtimeMs / 1000) }) };
}
