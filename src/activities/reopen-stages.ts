import type { OverrideRequest } from '../experiment/sweep-control.ts';
import type { ActivityParts } from './activity-parts.ts';

export interface ReopenRequest {
  readonly keys: readonly string[];
  readonly overrides?: OverrideRequest;
  readonly by: string;
}

/** Saves for each stage that its attempts so far count no more, and what a person changed. Doing it twice adds a word and changes nothing. */
export function makeReopenStages({ store }: Pick<ActivityParts, 'store'>) {
  return async function reopenStages({ keys, overrides, by }: ReopenRequest): Promise<void> {
    for (const key of keys) {
      const stage = store.stage(key);
      const reopenedAfterAttempt = (await stage.attempts()).at(-1) ?? 0;
      await stage.addOverride({ ...overrides, reopenedAfterAttempt, by, at: new Date().toISOString() });
    }
  };
}
