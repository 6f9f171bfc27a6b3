import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

export interface StepTime {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of a training step. */
  readonly loss?: number;
}

export interface Ending {
  readonly peakBytes: number;
  /** FLOP/s of the largest product, and FLOPs of a step: of the native bench only. */
  readonly gemm?: number;
  readonly flops?: number;
}

/**
 * A program that makes one training step, or continues one batch of prompts, for each line that it gets, and answers in JSON lines: native/bench/train_bench.cc,
 * generate_bench.cc, step_torch.py, generate_torch.py.
 */
export class Stepper {
  readonly name: string;
  readonly times: StepTime[] = [];
  /** From the start of the process until it may begin its first step, and CPU seconds of it. */
  ready = { seconds: Number.NaN, cpuSeconds: Number.NaN };
  /** The first step, with whatever is compiled in it. */
  first: StepTime | undefined;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, child: ChildProcess, lines: Interface) {
    this.name = name;
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(name: string, program: string, args: readonly string[]): Promise<Stepper> {
    const begin = performance.now();
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const stepper = new Stepper(name, child, createInterface({ input: child.stdout }));
    const { ready } = await stepper.#answer<{ ready: number }>();
    stepper.ready = { seconds: (performance.now() - begin) / 1000, cpuSeconds: ready };
    return stepper;
  }

  /** One step; the first `warm` are not counted. */
  async step(warm = false): Promise<StepTime> {
    this.#child.stdin?.write('\n');
    const time = await this.#answer<StepTime>();
    this.first ??= time;
    if (!warm) this.times.push(time);
    return time;
  }

  /** A first step that does not count. False when it is not done after `seconds`: the program is then ended. */
  async warmsUpWithin(seconds: number): Promise<boolean> {
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<false>((resolve) => {
      late = setTimeout(() => resolve(false), 1000 * seconds);
    });
    const done = this.step(true).then(
      () => true,
      (error: unknown) => {
        if (this.#child.killed) return false;
        throw error;
      },
    );
    const inTime = await Promise.race([done, limit]);
    clearTimeout(late);
    if (!inTime) this.#child.kill('SIGKILL');
    return inTime;
  }

  async end(): Promise<Ending> {
    this.#child.stdin?.end();
    return this.#answer<Ending>();
  }

  async #answer<Answer>(): Promise<Answer> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended before it answered`);
    return JSON.parse(value) as Answer;
  }
}
