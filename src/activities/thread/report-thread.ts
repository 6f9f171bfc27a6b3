import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '../../artifacts/store.ts';
import { replaceByQuery } from '../../artifacts/tables/write-score-table.ts';
import { noVerdictPage } from '../../report/no-verdict-page.ts';
import { renderReport } from '../../report/render-report.ts';
import { reportInputOfSweep, type SweepReportRequest } from '../report-input-of-sweep.ts';
import { readVerdict } from '../sweep-verdict.ts';

/** Writes `report/` whole, file by file; returns the page's path relative to the store. */
export default async function (
  input: SweepReportRequest & { readonly storePath: string; readonly analysed: boolean },
): Promise<string> {
  const store = await Store.open(input.storePath);
  const folder = join(store.sweepPath(input.sweepId), 'report');
  const verdict = input.analysed ? await readVerdict(store, input.sweepId) : undefined;
  const reported = await reportInputOfSweep(store, input);
  const files =
    verdict === undefined
      ? { 'index.html': noVerdictPage(reported) }
      : (await renderReport({ ...reported, analysis: verdict.analysis })).files;
  // A report without a verdict must not stand beside the numbers of an older one.
  if (verdict === undefined) await rm(folder, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    await replaceByQuery(join(folder, name), (temporary) => writeFile(temporary, content));
  }
  return join('sweeps', input.sweepId, 'report', 'index.html');
}
