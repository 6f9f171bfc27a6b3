import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from '../../src/temporal/process-identity.ts';
import type { FaultWorld } from './fault-world.ts';
import { Terminal } from './terminal.ts';
import { trainersOf } from './trainer-watch.ts';

const VICTIMS = ['worker', 'trainer', 'server', 'terminal'] as const;
type Victim = (typeof VICTIMS)[number];

/** Kills come at points of the sweep's progress up to here, so that all of them come before its end, on any machine. */
const LAST_POINT = 0.7;
const LONGEST_DELAY_MS = 2_000;
/** With a worker or a server the terminal that would start it again is killed too, this often. */
const TERMINAL_TOO = 0.3;
const MOST_COMMANDS_AFTERWARDS = 6;
/** A command that watched kill after kill stops starting things again, and says how to go on. */
const GAVE_UP = /ended \d+ times within .* "lethe resume .*" goes on/s;

export interface Blow {
  readonly victim: Victim;
  readonly pid: number;
  /** Of all steps of the sweep, those that were done. */
  readonly progress: number;
}

/**
 * Breaks a sweep that is under way as often as asked, each kind of victim alike often, in an order and at moments that `random` gives. Every second blow comes
 * at a point of the progress, the one after it soon after, while what the first one felled is being started again. After each, whoever watched is replaced as a
 * user would: by `lethe run FILE` or `lethe resume NAME` in a terminal.
 */
export class Saboteur {
  readonly blows: Blow[] = [];
  /** Commands that ended as none should: with their exit code and what they said. */
  readonly complaints: string[] = [];
  readonly #world: FaultWorld;
  readonly #name: string;
  readonly #random: () => number;
  readonly #steps: number;
  #terminal: Terminal | undefined;

  constructor(world: FaultWorld, sweep: { readonly name: string; readonly steps: number }, random: () => number) {
    this.#world = world;
    this.#name = sweep.name;
    this.#steps = sweep.steps;
    this.#random = random;
  }

  /** Strikes up to `count` times, fewer when the sweep ends before, and lets it end. Returns what the last command printed. */
  async strike(count: number): Promise<string> {
    try {
      return await this.#strikeAll(count);
    } catch (error) {
      const early = error instanceof EndedEarly ? error : error instanceof Error ? error.cause : undefined;
      if (early instanceof EndedEarly) return early.stdout;
      throw error;
    }
  }

  async #strikeAll(count: number): Promise<string> {
    const victims = shuffle(
      Array.from({ length: count }, (_, index) => VICTIMS[index % VICTIMS.length] ?? 'worker'),
      this.#random,
    );
    const points = Array.from({ length: Math.ceil(count / 2) }, () => this.#random() * LAST_POINT).sort(
      (a, b) => a - b,
    );
    for (const [index, victim] of victims.entries()) {
      this.#type();
      const point = index % 2 === 0 ? (points[index / 2] ?? 0) : 0;
      await this.#until(`${Math.round(point * 100)} % of the steps`, () => this.#progress() >= point || undefined);
      await sleep(this.#random() * LONGEST_DELAY_MS);
      this.#type();
      this.blows.push(await this.#fell(victim));
    }
    for (let commands = 0; commands < MOST_COMMANDS_AFTERWARDS; commands += 1) {
      this.#type();
      const terminal = this.#terminal;
      if ((await terminal?.ended) === 0 && terminal !== undefined) return terminal.stdout;
      this.#judge();
    }
    throw new Error(`the sweep did not end after ${count} kills: ${this.#terminal?.stderr}`);
  }

  /** A trainer is waited for, and so is a process that is being started again: a blow always fells somebody. */
  async #fell(victim: Victim): Promise<Blow> {
    const pid = await this.#until(`a living ${victim}`, () => this.#pidOf(victim));
    const blow = { victim, pid, progress: this.#progress() };
    const terminal = this.#terminal;
    if (victim === 'terminal') {
      terminal?.signal(this.#random() < 0.75 ? 'SIGINT' : 'SIGKILL');
    } else {
      // It may have ended by itself this instant.
      if (!kill(pid)) return this.#fell(victim);
      if (victim !== 'trainer' && this.#random() < TERMINAL_TOO) terminal?.signal('SIGKILL');
    }
    if (victim === 'terminal') await terminal?.ended;
    return blow;
  }

  #pidOf(victim: Victim): number | undefined {
    if (victim === 'terminal') return this.#terminal?.isOver ? undefined : this.#terminal?.pid;
    if (victim === 'trainer') {
      const trainers = trainersOf(this.#world.store);
      return trainers[Math.floor(this.#random() * trainers.length)]?.pid;
    }
    try {
      const pid = this.#world.pidOf(victim);
      return identify(pid) === undefined ? undefined : pid;
    } catch {
      return undefined; // Not started yet.
    }
  }

  /** Opens a terminal when there is none, and types what a user would. */
  #type(): void {
    if (this.#terminal !== undefined && !this.#terminal.isOver) return;
    this.#judge();
    // A sweep that was never frozen has no name to resume it by.
    const words = !this.#frozen() || this.#random() < 0.5 ? ['run', this.#world.file] : ['resume', this.#name];
    this.#terminal = new Terminal([...words, '--json'], this.#world.environment);
  }

  #frozen(): boolean {
    const sweeps = join(this.#world.store, 'sweeps');
    return existsSync(sweeps) && readdirSync(sweeps).some((name) => existsSync(join(sweeps, name, 'plan.json')));
  }

  #judge(): void {
    const terminal = this.#terminal;
    this.#terminal = undefined;
    if (terminal === undefined) return;
    const { code, stderr, words } = terminal;
    if (code === 0) throw new EndedEarly(terminal.stdout);
    if (code === 130 || code === null || GAVE_UP.test(stderr)) return;
    this.complaints.push(`lethe ${words.join(' ')} ended with ${code}: ${stderr}`);
  }

  #progress(): number {
    return this.#world.stepsDone() / this.#steps;
  }

  /** Waits for it, and types again meanwhile when the terminal gave up. */
  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const typeAndLook = () => {
      this.#type();
      return look();
    };
    try {
      return await this.#world.until(what, typeAndLook, 120_000);
    } catch (error) {
      const heard = [...this.complaints.slice(-3), this.#terminal?.stderr, this.#terminal?.stdout.slice(-2_000)];
      throw new Error(`after ${this.blows.length} kills: ${heard.join('\n')}`, { cause: error });
    }
  }
}

/** Thrown when the sweep is whole before all blows fell: a fast machine. */
class EndedEarly extends Error {
  readonly stdout: string;
  constructor(stdout: string) {
    super('the sweep ended before all blows fell');
    this.stdout = stdout;
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const shuffled = [...values];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}
