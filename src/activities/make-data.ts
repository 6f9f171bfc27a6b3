import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import type { Store } from '../artifacts/store.ts';
import type { DataReference } from '../experiment/stage-spec.ts';
import { runInThread } from './thread/run-in-thread.ts';

/** Folders that this worker has made or checked: once is enough, many stages name the same data. */
const checked = new Map<string, Promise<void>>();

/** Makes `data/<digest>/` when it is not there, in a thread, because a large dataset takes seconds. */
export function makeData(store: Store, reference: DataReference): Promise<void> {
  const folder = store.dataPath(reference.digest);
  const known = checked.get(folder);
  if (known !== undefined) return known;
  const made = buildInThread({ dataFolder: join(store.path, 'data'), reference });
  checked.set(folder, made);
  made.catch(() => checked.delete(folder));
  return made;
}

async function buildInThread(input: { dataFolder: string; reference: DataReference }): Promise<void> {
  try {
    await runInThread(new URL('./thread/make-data-thread.ts', import.meta.url), input);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DatasetError') throw error;
    throw ApplicationFailure.create({ message: error.message, type: 'data', nonRetryable: true, cause: error });
  }
}
