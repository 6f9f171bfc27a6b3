import { join } from 'node:path';
import { Store } from '../../artifacts/store.ts';
import { analyseForgetting } from '../../statistics/analyse-forgetting.ts';
import { statisticsDigest } from '../../statistics/statistics-digest.ts';
import type { Analysed } from '../analyse.ts';
import { readTables } from '../read-tables.ts';
import { writeVerdict } from '../sweep-verdict.ts';

export default async function (input: {
  readonly storePath: string;
  readonly sweepId: string;
  readonly tablesDigest: string;
}): Promise<Analysed> {
  const store = await Store.open(input.storePath);
  const analysis = analyseForgetting(await readTables(join(store.sweepPath(input.sweepId), 'tables')));
  const digest = statisticsDigest(analysis);
  await writeVerdict(store, input.sweepId, { statisticsDigest: digest, tablesDigest: input.tablesDigest, analysis });
  return { verdict: analysis.verdict.verdict, statisticsDigest: digest };
}
