import { isDeepStrictEqual } from 'node:util';
import type { Context } from '@temporalio/activity';
import type { StageHeartbeat } from '../temporal/stage-heartbeat.ts';

/** Beats on its own, so that a long read or copy does not look like a dead worker. */
const BEAT_MS = 4_000;
/** An attempt that is over sooner never beats: each first beat is a request to the server. */
const QUIET_START_MS = 300;

/** The heartbeat of one activity: says what was said last again and again until it is ended. */
export class StageBeat {
  readonly #context: Pick<Context, 'heartbeat'>;
  #last: StageHeartbeat | undefined;
  #quiet = true;
  #timer: NodeJS.Timeout;
  readonly #onSaid: (said: StageHeartbeat) => void;

  /** `onSaid` hears of every look, the ones without news too. */
  constructor(context: Pick<Context, 'heartbeat'>, onSaid: (said: StageHeartbeat) => void = () => {}) {
    this.#context = context;
    this.#onSaid = onSaid;
    this.#timer = setTimeout(() => {
      this.#quiet = false;
      this.#beat();
      this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    }, QUIET_START_MS);
  }

  now(said: StageHeartbeat): void {
    // A job that waits in a queue says the same each time; the timer alone keeps its watcher alive.
    const news = !isDeepStrictEqual(said, this.#last);
    this.#last = said;
    this.#onSaid(said);
    if (news && !this.#quiet) this.#beat();
  }

  get last(): StageHeartbeat | undefined {
    return this.#last;
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #beat(): void {
    this.#context.heartbeat(this.#last);
  }
}
