import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'faint' | 'strong';
const STYLES = { good: 'green', bad: 'red', warn: 'yellow', faint: 'dim', strong: 'bold' } as const;

/**
 * Where a command speaks. Three forms of the same content: a live screen on a terminal, plain lines when piped, and with `--json` one JSON object a line.
 * Results go to stdout, what is only said on the way goes to stderr with `--json` never mixing into it.
 */
export class Output {
  readonly json: boolean;
  /** A person watches: stdout is a terminal and `--json` was not asked for. */
  readonly live: boolean;
  readonly #out: NodeJS.WriteStream;
  readonly #error: NodeJS.WriteStream;
  #screenLines = 0;
  #lastPlain = '';

  constructor(options: { readonly json?: boolean }, out = process.stdout, error = process.stderr) {
    this.json = options.json ?? false;
    this.#out = out;
    this.#error = error;
    this.live = !this.json && out.isTTY === true && process.env.TERM !== 'dumb';
    // A reader that closed the pipe (`lethe status | head`) is no failure.
    out.on('error', (failure: NodeJS.ErrnoException) => {
      if (failure.code === 'EPIPE') process.exit(0);
      throw failure;
    });
  }

  get width(): number {
    return this.live ? (this.#out.columns ?? 100) : Number.POSITIVE_INFINITY;
  }

  get height(): number {
    return this.live ? (this.#out.rows ?? 40) : Number.POSITIVE_INFINITY;
  }

  /** A line of the result for people; nothing with `--json`. */
  line(text = ''): void {
    if (this.json) return;
    this.clearScreen();
    this.#out.write(`${text}\n`);
  }

  /** One JSON object on a line; nothing without `--json`. */
  record(value: object): void {
    if (this.json) this.#out.write(`${JSON.stringify(value)}\n`);
  }

  /** What Lethe is doing at the moment. On stderr, so that it never mixes into a result. */
  say(text: string): void {
    if (this.json) {
      this.#error.write(`${text}\n`);
      return;
    }
    this.clearScreen();
    this.#error.write(`${this.paint('faint', text)}\n`);
  }

  /**
   * Replaces the live screen by `lines`. Piped, it prints `summary` alone, and only when it differs from the last one, so that a log stays short.
   */
  screen(lines: readonly string[], summary: string): void {
    if (this.json) return;
    if (!this.live) {
      if (summary !== this.#lastPlain) this.#out.write(`${summary}\n`);
      this.#lastPlain = summary;
      return;
    }
    const shown = lines.slice(0, Math.max(1, this.height - 1));
    const up = this.#screenLines > 0 ? `\x1b[${this.#screenLines}A` : '';
    this.#out.write(`${up}\r${shown.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[0J`);
    this.#screenLines = shown.length;
  }

  /** Leaves the live screen where it stands; what follows is written under it. */
  keepScreen(): void {
    this.#screenLines = 0;
  }

  clearScreen(): void {
    if (this.#screenLines === 0) return;
    this.#out.write(`\x1b[${this.#screenLines}A\r\x1b[0J`);
    this.#screenLines = 0;
  }

  paint(tone: Tone, text: string): string {
    return this.live ? styleText(STYLES[tone], text, { validateStream: false }) : text;
  }
}
