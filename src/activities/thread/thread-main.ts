import { parentPort, workerData } from 'node:worker_threads';

/** The other side of `runInThread`: answers one question after the other. */
const module = import(workerData as string) as Promise<{ readonly default: (input: unknown) => unknown }>;
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', ({ id, input }: { readonly id: number; readonly input: unknown }) => {
  last = last.then(() => answer(id, input));
});

async function answer(id: number, input: unknown): Promise<void> {
  try {
    parentPort?.postMessage({ id, value: await (await module).default(input) });
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    parentPort?.postMessage({ id, error: { name, message, stack } });
  }
}
