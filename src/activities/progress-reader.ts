import { join } from 'node:path';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { statOf } from '../artifacts/small-files.ts';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

type Progress = Pick<StageHeartbeat, 'step' | 'steps' | 'loss' | 'tokensPerSecond' | 'checkpoint' | 'checkpointAt'>;

/** Looks at most so often into the folders of the writers: a window of hundreds of jobs is watched by one thread. */
const LEAST_PAUSE_MS = 900;

/** What the newest writer of an attempt has got done, and for how long nothing has changed. */
export class ProgressReader {
  writers: readonly { readonly name: string; readonly checkpointStep: number }[] = [];
  readonly #attempt: AttemptFolder;
  #last: Progress = {};
  #mark = '';
  #checkpoint = { step: 0, at: undefined as number | undefined };
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
    if (checkpoint !== this.#checkpoint.step) {
      const holder = folders[this.writers.findIndex((writer) => writer.checkpointStep === checkpoint)];
      const about = holder && (await statOf(join(holder.checkpointPath(checkpoint), 'manifest.json')));
      this.#checkpoint = { step: checkpoint, at: about && Math.round(about.mtimeMs / 1000) };
    }
    const scored = (await newest?.scoredSteps())?.length ?? 0;
    const mark = JSON.stringify([newest?.name, progress?.step, checkpoint, scored]);
    if (mark !== this.#mark) this.restart();
    this.#mark = mark;
    const { step, steps, loss, tokensPerSecond } = progress ?? {};
    this.#last = {
      ...(step !== undefined && { step }),
      ...(steps !== undefined && { steps }),
      ...(loss !== undefined && { loss }),
      ...(tokensPerSecond !== undefined && { tokensPerSecond }),
      checkpoint,
      ...(this.#checkpoint.at !== undefined && { checkpointAt: this.#checkpoint.at }),
    };
    return this.#last;
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
