import { Worker } from 'node:worker_threads';

/**
 * Runs the default export of `module` in a thread of its own: anything over 100 ms of CPU on the worker's main thread starves the heartbeats of every job
 * beside it. Input and output are plain data. An error keeps its name and message. `signal` ends the thread at once.
 */
export function runInThread<Output>(module: URL, input: unknown, signal?: AbortSignal): Promise<Output> {
  return new Promise<Output>((resolve, reject) => {
    const thread = new Worker(new URL('./thread-main.ts', import.meta.url), {
      workerData: { module: module.href, input },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const abort = () => {
      void thread.terminate();
      reject(signal?.reason ?? new Error('aborted'));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    const end = () => signal?.removeEventListener('abort', abort);
    thread.once(
      'message',
      (answer: { readonly value?: Output; readonly error?: { name: string; message: string } }) => {
        end();
        if (answer.error === undefined) return resolve(answer.value as Output);
        reject(Object.assign(new Error(answer.error.message), { name: answer.error.name }));
      },
    );
    thread.once('error', (error) => {
      end();
      reject(error);
    });
    thread.once('exit', (code) => {
      end();
      reject(new Error(`expected the thread of ${module.pathname} to answer, it exited with code ${code}`));
    });
  });
}
