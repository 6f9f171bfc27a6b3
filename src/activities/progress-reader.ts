import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

type Progress = Pick<StageHeartbeat, 'step' | 'steps' | 'loss' | 'tokensPerSecond' | 'checkpoint'>;

/** Looks at most so often into the folders of the writers: a window of hundreds of jobs is watched by one thread. */
const LEAST_PAUSE_MS = 900;

/** What the newest writer of an attempt has got done, and for how long nothing has changed. */
export class ProgressReader {
  writers: readonly { readonly name: string; readonly checkpointStep: number }[] = [];
  readonly #attempt: AttemptFolder;
  #last: Progress = {};
  #mark = '';
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
