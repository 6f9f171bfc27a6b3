import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttemptFolder } from '../../../src/artifacts/attempt-folder.ts';
import type { JobSpec } from '../../../src/artifacts/job-spec.ts';
import { Store } from '../../../src/artifacts/store.ts';
import { digestOf } from '../../../src/experiment/canonical-json.ts';
import { SPEC as STAGE } from '../../artifacts/support/stage-world.ts';

const { train: _train, score: _score, ...SPEC } = STAGE;

export interface TemporaryStore {
  readonly folder: string;
  readonly store: Store;
  /** A job in a stage of its own, its job.json published. */
  job(command: (attempt: AttemptFolder) => readonly string[]): Promise<JobSpec>;
  remove(): Promise<void>;
}

export async function temporaryStore(): Promise<TemporaryStore> {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-jobs-'));
  const store = await Store.create(join(folder, 'store'), { address: 'localhost:7233', namespace: 'test' });
  let count = 0;
  return {
    folder,
    store,
    job: async (command) => {
      count += 1;
      const stage = store.stage(digestOf({ folder, count }));
      // A fake job that succeeds reads what it was asked for.
      await stage.publishSpec({ ...SPEC, seed: count });
      const attempt = stage.attempt(1);
      return attempt.publishJob({
        format: 'lethe-job/1',
        name: attempt.jobName,
        storeId: store.id,
        key: attempt.stage.key,
        attempt: 1,
        command: command(attempt),
        environment: {},
        attemptFolder: attempt.path,
        resources: { cores: 1, memoryBytes: 2 ** 20, gpus: 0 },
        annotations: {},
      });
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
