import { join } from 'node:path';
import { Store } from '../../artifacts/store.ts';
import { SweepFolder } from '../../artifacts/sweep-folder.ts';
import { type GatheredScores, gatherTables } from '../gather-tables.ts';

export default async function (input: {
  readonly storePath: string;
  readonly sweepId: string;
}): Promise<GatheredScores> {
  const store = await Store.open(input.storePath);
  const folder = new SweepFolder(store, input.sweepId);
  const { plan, planHash } = await folder.plan();
  return gatherTables({ store, plan, planHash, tablesFolder: join(folder.path, 'tables') });
}
