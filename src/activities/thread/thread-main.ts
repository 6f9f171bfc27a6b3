import { parentPort, workerData } from 'node:worker_threads';

/** The other side of `runInThread`. */
const { module, input } = workerData as { readonly module: string; readonly input: unknown };
try {
  const { default: run } = (await import(module)) as { readonly default: (input: unknown) => unknown };
  parentPort?.postMessage({ value: await run(input) });
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  parentPort?.postMessage({ error: { name, message } });
}
