import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '../experiment/plan.ts';

/** Keys of the plan's stages whose result is in the store; none when there is no store yet. */
export async function finishedKeys(store: string, plan: Plan): Promise<Set<string>> {
  const stages = join(store, 'stages');
  const keys = new Set<string>();
  const there = await access(stages).then(
    () => true,
    () => false,
  );
  if (!there) return keys;
  await Promise.all(
    plan.stages.map(async ({ key }) => {
      await access(join(stages, key, 'result.json')).then(
        () => keys.add(key),
        () => undefined,
      );
    }),
  );
  return keys;
}
