import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, publish } from '../artifacts/publish.ts';
import type { Store } from '../artifacts/store.ts';
import type { ActivityParts } from './activity-parts.ts';
import type { SweepControl } from './plan-page.ts';

export interface SaveControlRequest {
  readonly sweepId: string;
  readonly control: SweepControl;
  readonly by: string;
}

const NOTHING_SAID: SweepControl = { paused: false, lifted: [] };

/** Keeps what a person asked in `control/<seq>.json`, so that a sweep that is started again remembers it. Saying the same twice adds nothing. */
export function makeSaveControl({ store }: Pick<ActivityParts, 'store'>) {
  return async function saveControl({ sweepId, control, by }: SaveControlRequest): Promise<void> {
    const text = JSON.stringify(control);
    if (JSON.stringify(await readControl(store, sweepId)) === text) return;
    const folder = join(store.sweepPath(sweepId), 'control');
    for (let sequence = ((await sequencesIn(folder)).at(-1) ?? 0) + 1; ; sequence += 1) {
      const record = { ...control, by, at: new Date().toISOString() };
      const { won } = await publish(join(folder, `${sequence}.json`), `${JSON.stringify(record)}\n`);
      if (won) return;
    }
  };
}

/** The newest word. */
export async function readControl(store: Store, sweepId: string): Promise<SweepControl> {
  const folder = join(store.sweepPath(sweepId), 'control');
  const newest = (await sequencesIn(folder)).at(-1);
  if (newest === undefined) return NOTHING_SAID;
  const { paused, lifted } = JSON.parse(await readFile(join(folder, `${newest}.json`), 'utf8')) as SweepControl;
  return { paused, lifted };
}

async function sequencesIn(folder: string): Promise<number[]> {
  try {
    const names = await readdir(folder);
    return names.flatMap((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? Number.NaN) || []).sort((a, b) => a - b);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
