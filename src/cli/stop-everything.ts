import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { isLocal } from '../artifacts/launched.ts';
import type { Store } from '../artifacts/store.ts';
import type { JobLauncher } from '../jobs/job-launcher.ts';
import { stopEmbeddedServer } from '../temporal/embedded-server.ts';
import { isAlive } from '../temporal/process-identity.ts';
import { rememberStop, stopEmbeddedWorker } from './embedded-worker.ts';
import { launcherOfStore } from './launcher-of-store.ts';

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
  rememberStop(store.path, by);
  const worker = await stopEmbeddedWorker(store.path);
  const jobs = await stopJobs(store, by, say);
  const server = await stopEmbeddedServer(store.path);
  return { worker, server, jobs };
}

async function stopJobs(store: Store, by: string, say: (text: string) => void): Promise<string[]> {
  const attempts = await unfinishedJobs(store);
  if (attempts.length === 0) return [];
  say(`${attempts.length} job${attempts.length === 1 ? '' : 's'} write a checkpoint and end`);
  const launcher = await launcherOfStore(store);
  try {
    const stopped = await Promise.allSettled(attempts.map((attempt) => stopJob(attempt, launcher, by)));
    for (const [index, each] of stopped.entries()) {
      // One that cannot be stopped must not keep the others, nor the server.
      if (each.status === 'rejected') say(`${attempts[index]!.jobName} could not be stopped: ${each.reason}`);
    }
    return stopped.flatMap((each) => (each.status === 'fulfilled' && each.value !== undefined ? [each.value] : []));
  } finally {
    launcher.close();
  }
}

async function stopJob(attempt: AttemptFolder, launcher: JobLauncher, by: string): Promise<string | undefined> {
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
}

/** Jobs that run, or could still start: what was launched and is dead needs no stop. */
async function unfinishedJobs(store: Store): Promise<AttemptFolder[]> {
  const open = await openAttempts(store);
  const launched = await Promise.all(open.map((attempt) => attempt.launched()));
  return open.filter((_, index) => {
    const job = launched[index];
    return job === undefined || !isLocal(job) || isAlive(job);
  });
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
