import type { Context } from '@temporalio/activity';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

/** Beats on its own, so that a long read or copy does not look like a dead worker. */
const BEAT_MS = 4_000;

/** The heartbeat of one activity: says what was said last again and again until it is ended. */
export class StageBeat {
  readonly #context: Pick<Context, 'heartbeat'>;
  #last: StageHeartbeat | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(context: Pick<Context, 'heartbeat'>) {
    this.#context = context;
    this.#timer = setInterval(() => this.#context.heartbeat(this.#last), BEAT_MS);
  }

  now(said: StageHeartbeat): void {
    this.#last = said;
    this.#context.heartbeat(said);
  }

  get last(): StageHeartbeat | undefined {
    return this.#last;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
