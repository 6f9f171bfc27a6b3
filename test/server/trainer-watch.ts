import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startTimeOf } from '../../src/jobs/local/machine.ts';
import { json, namesIn } from './fault-world.ts';

export interface SeenTrainer {
  readonly pid: number;
  readonly key: string;
  readonly attempt: string;
}

const EVERY_MS = 100;

/** Looks at the trainers of a store ten times a second and keeps what must never be: two that live with one key, or one that began after the stage's result. */
export class TrainerWatch {
  readonly wrong = new Set<string>();
  looks = 0;
  readonly #store: string;
  readonly #timer: NodeJS.Timeout;
  #known = new Set<number>();
  #done = new Set<string>();

  constructor(store: string) {
    this.#store = store;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.looks += 1;
    const trainers = trainersOf(this.#store);
    const byKey = Map.groupBy(trainers, ({ key }) => key);
    for (const [key, same] of byKey) {
      if (same.length > 1) this.wrong.add(`two trainers of ${key.slice(0, 12)}: ${JSON.stringify(same)}`);
    }
    for (const { pid, key, attempt } of trainers) {
      // Results that an earlier look saw: a trainer of this look began after that look.
      if (!this.#known.has(pid) && this.#done.has(key)) {
        this.wrong.add(`attempt ${attempt} of ${key.slice(0, 12)} began after its result (pid ${pid})`);
      }
      this.#known.add(pid);
    }
    for (const key of namesIn(join(this.#store, 'stages'))) {
      const result = join(this.#store, 'stages', key, 'result.json');
      if (!this.#done.has(key) && json(result) !== undefined) this.#done.add(key);
    }
  }
}

/** Living trainers (no zombies) of a store. */
export function trainersOf(store: string): SeenTrainer[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(join('/proc', name, 'cmdline'), 'utf8').split('\0');
      const stage = words[words.indexOf('--stage') + 1];
      if (!words[0]?.endsWith('lethe-trainer') || stage === undefined || !stage.startsWith(store)) return [];
      if (startTimeOf(Number(name)) === undefined) return [];
      return [{ pid: Number(name), key: basename(stage), attempt: words[words.indexOf('--attempt') + 1] ?? '' }];
    } catch {
      return []; // It ended between two reads.
    }
  });
}

/** Holds every trainer of a store where it is: what the test does meanwhile needs no luck with the machine's speed. A cancellation still reaches a held trainer, which then goes on to its next step. */
export function holdTrainers(store: string): { readonly held: readonly SeenTrainer[]; release(): void } {
  const held = trainersOf(store).filter(({ pid }) => signal(pid, 'SIGSTOP'));
  return {
    held,
    release() {
      const living = new Set(trainersOf(store).map(({ pid }) => pid));
      for (const { pid } of held) if (living.has(pid)) signal(pid, 'SIGCONT');
    },
  };
}

/** False when the process has ended since it was seen. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
