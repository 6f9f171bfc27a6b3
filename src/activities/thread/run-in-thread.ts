import { Worker } from 'node:worker_threads';

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string };
}

/** A thread that nobody asked for so long is ended: it holds tens of megabytes. */
const IDLE_MS = 30_000;

const threads = new Map<string, ModuleThread>();

/**
 * Runs the default export of `module` in a thread: anything over 100 ms of CPU on the worker's main thread starves the heartbeats of every job beside it.
 * Input and output are plain data; an error keeps its name and message. There is one thread a module, kept for the next call, because starting one costs
 * more than most calls; calls of one module wait for each other. With a `signal` the call has a thread of its own, which ends at once when it fires.
 */
export function runInThread<Output>(module: URL, input: unknown, signal?: AbortSignal): Promise<Output> {
  if (signal !== undefined) return runAlone(module, input, signal) as Promise<Output>;
  let thread = threads.get(module.href);
  if (thread === undefined || thread.ended) {
    thread = new ModuleThread(module);
    threads.set(module.href, thread);
  }
  return thread.run(input) as Promise<Output>;
}

async function runAlone(module: URL, input: unknown, signal: AbortSignal): Promise<unknown> {
  signal.throwIfAborted();
  const thread = new ModuleThread(module);
  const abort = () => thread.end();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await thread.run(input);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    thread.end();
  }
}

class ModuleThread {
  ended = false;
  readonly #thread: Worker;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #asked = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(module: URL) {
    this.#thread = new Worker(new URL('./thread-main.ts', import.meta.url), {
      workerData: module.href,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#thread.on('message', (answer: Answer) => this.#settle(answer));
    this.#thread.once('error', (error) => this.#fail(error));
    this.#thread.once('exit', (code) =>
      this.#fail(new Error(`expected the thread of ${module.pathname} to answer, it exited with code ${code}`)),
    );
  }

  run(input: unknown): Promise<unknown> {
    clearTimeout(this.#idle);
    this.#asked += 1;
    const id = this.#asked;
    this.#thread.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.postMessage({ id, input });
    });
  }

  end(): void {
    void this.#thread.terminate();
  }

  #settle({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(Object.assign(new Error(error.message), error));
    if (this.#waiting.size > 0) return;
    this.#thread.unref();
    this.#idle = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  #fail(error: Error): void {
    this.ended = true;
    clearTimeout(this.#idle);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
