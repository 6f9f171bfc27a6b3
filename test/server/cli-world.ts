import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, lethe } from '../cli/lethe-command.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';

/** A store of its own, with its own server, worker and table of jobs; two toys and a few seconds of training. */
export class CliWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-cli-'));
  readonly store = join(this.folder, 'store');
  readonly file = join(this.folder, 'toy.yaml');
  readonly environment = { LETHE_STORE: this.store, XDG_STATE_HOME: join(this.folder, 'state') };

  constructor(sweep: { readonly steps?: number; readonly reviewSteps?: number } = {}) {
    this.writeSweep(sweep);
  }

  writeSweep({ steps = 40, reviewSteps = 20 }: { readonly steps?: number; readonly reviewSteps?: number }): void {
    const models = 'gpt2-d8, gpt2-d16';
    writeFileSync(this.file, toySweepFile({ models, steps, reviewSteps, checkpointEvery: 10 }));
  }

  lethe(...args: string[]): Promise<Ended> {
    return lethe(args, this.environment);
  }

  /** The last JSON object of a command that ended as expected. */
  async last(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout } = await this.lethe(...args, '--json');
    return jsonLines(stdout).at(-1) ?? {};
  }

  pidOf(what: 'server' | 'worker'): number {
    return JSON.parse(readFileSync(join(this.store, 'embedded', `${what}.json`), 'utf8')).pid;
  }

  /** Pids of this store's trainers. */
  trainers(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      try {
        const words = readFileSync(join('/proc', name, 'cmdline'), 'utf8').split('\0');
        return words[0]?.endsWith('lethe-trainer') && words.some((word) => word.startsWith(this.store))
          ? [Number(name)]
          : [];
      } catch {
        return [];
      }
    });
  }

  async until<T>(
    what: string,
    look: () => T | undefined | false | Promise<T | undefined | false>,
    limitMs = 60_000,
  ): Promise<T> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async end(): Promise<void> {
    if (existsSync(join(this.store, 'store.json'))) await this.lethe('stop');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
