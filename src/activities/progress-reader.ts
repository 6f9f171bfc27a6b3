import { join } from 'node:path';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { statOf } from '../artifacts/small-files.ts';
import type { WriterFolder } from '../artifacts/writer-folder.ts';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

type Progress = Pick<StageHeartbeat, 'step' | 'steps' | 'loss' | 'tokensPerSecond' | 'checkpoint' | 'checkpointAt'>;

type Checkpointed = Pick<Progress, 'checkpoint' | 'checkpointAt'>;

interface Checkpoint {
  readonly writer: WriterFolder;
  readonly step: number;
}

/** Looks at most so often into the folders of the writers: a window of hundreds of jobs is watched by one thread. */
const LEAST_PAUSE_MS = 900;

/** What the newest writer of an attempt has got done, and for how long nothing has changed. */
export class ProgressReader {
  writers: readonly { readonly name: string; readonly checkpointStep: number }[] = [];
  readonly #attempt: AttemptFolder;
  #inherited: Promise<Progress> | undefined;
  #last: Progress = {};
  #mark = '';
  #checkpointed: Checkpointed = {};
  #changedAt = performance.now();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(attempt: AttemptFolder) {
    this.#attempt = attempt;
  }

  async read(): Promise<Progress> {
    if (performance.now() - this.#readAt < LEAST_PAUSE_MS) return this.#last;
    this.#readAt = performance.now();
    const folders = await this.#attempt.writers();
    const made = await checkpointsOf(folders);
    this.writers = made.map(({ writer, step }) => ({ name: writer.name, checkpointStep: step }));
    const newest = folders.at(-1);
    const progress = await newest?.progress();
    const furthest = furthestOf(made);
    const checkpoint = furthest?.step ?? 0;
    if (furthest !== undefined && checkpoint !== this.#checkpointed.checkpoint)
      this.#checkpointed = await toldOf(furthest);
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
      ...this.#checkpointed,
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
    const furthest = furthestOf(await checkpointsOf(await stage.writers(number)));
    if (furthest === undefined) return {};
    const { steps } = (await furthest.writer.progress()) ?? {};
    return { step: furthest.step, ...(steps !== undefined && { steps }), ...(await toldOf(furthest)) };
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

/** The newest checkpoint of each writer; step 0 = none. */
function checkpointsOf(writers: readonly WriterFolder[]): Promise<Checkpoint[]> {
  return Promise.all(writers.map(async (writer) => ({ writer, step: await writer.newestCheckpoint() })));
}

function furthestOf(checkpoints: readonly Checkpoint[]): Checkpoint | undefined {
  return checkpoints.filter(({ step }) => step > 0).toSorted((a, b) => b.step - a.step)[0];
}

async function toldOf({ writer, step }: Checkpoint): Promise<Checkpointed> {
  const about = await statOf(join(writer.checkpointPath(step), 'manifest.json'));
  return { checkpoint: step, ...(about !== undefined && { checkpointAt: new Date(about.mtimeMs).toISOString() }) };
}
