import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../artifacts/publish.ts';
import type { Store } from '../artifacts/store.ts';
import { replaceByQuery } from '../artifacts/tables/write-score-table.ts';
import type { ForgettingAnalysis } from '../statistics/analysis.ts';

/** `verdicts/newest.json`: the last analysis of a sweep's tables. */
export interface SweepVerdict {
  readonly statisticsDigest: string;
  readonly tablesDigest: string;
  readonly analysis: ForgettingAnalysis;
}

export async function writeVerdict(store: Store, sweepId: string, verdict: SweepVerdict): Promise<void> {
  const folder = join(store.sweepPath(sweepId), 'verdicts');
  const text = `${JSON.stringify(verdict)}\n`;
  for (const name of [`${verdict.statisticsDigest.slice(0, 12)}.json`, 'newest.json']) {
    await replaceByQuery(join(folder, name), (temporary) => writeFile(temporary, text));
  }
}

export async function readVerdict(store: Store, sweepId: string): Promise<SweepVerdict | undefined> {
  try {
    return JSON.parse(
      await readFile(join(store.sweepPath(sweepId), 'verdicts', 'newest.json'), 'utf8'),
    ) as SweepVerdict;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
