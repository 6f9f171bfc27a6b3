import { formatBytes } from './duration.ts';
import type { Output } from './output.ts';

const EVERY_MS = 200;

/** How far a copy is: one line that changes on a terminal, a line every ten percent of large files otherwise. */
export class ProgressLine {
  readonly #output: Output;
  readonly #what: string;
  #shownAt = 0;
  #shownTenth = 0;

  constructor(output: Output, what: string) {
    this.#output = output;
    this.#what = what;
  }

  show(done: number, total: number): void {
    const text = `${this.#what} ${formatBytes(done)} of ${formatBytes(total)}`;
    if (this.#output.live) {
      const now = Date.now();
      if (now - this.#shownAt < EVERY_MS) return;
      this.#shownAt = now;
      this.#output.screen([text], text);
      return;
    }
    const tenth = Math.floor((10 * done) / Math.max(1, total));
    if (total < LARGE || tenth === this.#shownTenth) return;
    this.#shownTenth = tenth;
    this.#output.say(text);
  }

  end(): void {
    this.#output.clearScreen();
  }
}

/** Smaller files are there before anybody has read a line. */
const LARGE = 1e9;
