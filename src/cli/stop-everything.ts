import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import type { Store } from '../artifacts/store.ts';
import { LocalLauncher } from '../jobs/local/local-launcher.ts';
import { stopEmbeddedServer } from '../temporal/embedded-server.ts';
import { stopEmbeddedWorker } from './embedded-worker.ts';
import { launchBinary } from './project-folder.ts';

export interface Stopped {
  readonly worker: boolean;
  readonly server: boolean;
  /** Names of the jobs that were asked to write a checkpoint and end. */
  readonly jobs: readonly string[];
}

/** Time that a job has for its checkpoint. */
const GRACE_MS = 60_000;

/** Ends what a store has running: the worker first (it would launch anew), then the jobs, each told by stop.json so that it counts against no budget, then the server. */
export async function stopEverything(
  store: Store,
  { by, say }: { readonly by: string; readonly say: (text: string) => void },
): Promise<Stopped> {
  const worker = await stopEmbeddedWorker(store.path);
  const jobs = await stopJobs(store, by, say);
  const server = await stopEmbeddedServer(store.path);
  return { worker, server, jobs };
}

async function stopJobs(store: Store, by: string, say: (text: string) => void): Promise<string[]> {
  const attempts = await openAttempts(store);
  if (attempts.length === 0) return [];
  say(`${attempts.length} job${attempts.length === 1 ? '' : 's'} write a checkpoint and end`);
  const launcher = new LocalLauncher({ launchBinary: [launchBinary] });
  try {
    const stopped = await Promise.all(
      attempts.map(async (attempt) => {
        const job = await attempt.job();
        if (job === undefined) return undefined;
        await attempt.publishStop({
          by,
          why: 'everything of this store was stopped',
          charge: 'none',
          time: new Date().toISOString(),
        });
        await launcher.cancel(job, GRACE_MS);
        return job.name;
      }),
    );
    return stopped.filter((name) => name !== undefined);
  } finally {
    launcher.close();
  }
}

/** Attempts of the store that are not over, by the files alone: a lost table of jobs hides none. */
export async function openAttempts(store: Store): Promise<AttemptFolder[]> {
  const found: AttemptFolder[] = [];
  for (const key of await store.stageKeys()) {
    const stage = store.stage(key);
    const number = (await stage.attempts()).at(-1);
    if (number === undefined) continue;
    const attempt = stage.attempt(number);
    if ((await attempt.evidence()) === undefined && (await stage.result()) === undefined) found.push(attempt);
  }
  return found;
}
