// A picture of each failure class in the Temporal UI, taken of a drill. As root, with what `npm run cluster:drill` has built, and Chromium:
//   unshare --mount --propagation private node test/cluster/drill/pictures.ts docs/pictures/failures [ROW,…]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DrillStore } from '../../../src/drill/drill-store.ts';
import { installQuietRuntime } from '../../../src/drill/quiet-runtime.ts';
import { drillCells } from '../../../src/drill/render-drill.ts';
import { isMissed } from '../../../src/drill/row-result.ts';
import { runDrill } from '../../../src/drill/run-drill.ts';
import { selectedRows } from '../../../src/drill/selected-rows.ts';
import { stageWorkflowId } from '../../../src/experiment/workflow-ids.ts';
import type { Lethe } from '../../../src/temporal/connection.ts';
import { launchChromium } from '../../browser/chromium.ts';
import { makeDrillPlace } from './drill-place.ts';

/** A row of each class. */
const PICTURED =
  'exit-65,exit-66,exit-69,exit-74,exit-78,exit-81,crash-for-good,memory-limit,pod-deleted,program-frozen,image-missing,unschedulable';
const WIDTH = 1240;
/** Below the facts of the workflow, which say nothing of the failure. */
const RESULT_AND_HISTORY = { x: 64, y: 540, width: 1168, height: 700 };

const [folder, only = PICTURED] = process.argv.slice(2);
if (folder === undefined) throw new Error('expected the folder of the pictures, got none');
mkdirSync(folder, { recursive: true });
installQuietRuntime();
const place = await makeDrillPlace({ ui: true });
const browser = await launchChromium();
try {
  const storeIds = new Map<string, string>();
  const results = await runDrill(
    { ...place.parts, keepHistories: true, store: remembering(place.parts.store, storeIds) },
    {
      rows: selectedRows(only),
      parallel: 4,
      say: (text) => console.error(text),
      onResult: (result) => console.error(drillCells(result).join(' · ')),
    },
  );
  if (results.some(isMissed)) throw new Error('expected every row to end as the ledger says; see above');
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1320 } });
  page.setDefaultTimeout(120_000);
  for (const [row, storeId] of storeIds) {
    if (!results.some((result) => result.row === row)) continue;
    const workflowId = stageWorkflowId(storeId, place.parts.sweep.stage);
    const runId = await runToShow(place.parts.lethe, workflowId);
    await page.goto(`${place.uiAddress}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`);
    // On a busy machine a page takes its time.
    await page.getByText(workflowId).first().waitFor();
    await page
      .getByText(/launch, watch, collect/)
      .first()
      .waitFor();
    await page.screenshot({ path: join(folder, `${row}.png`), clip: RESULT_AND_HISTORY });
  }
} finally {
  await browser.close();
  await place.close();
}
process.exit(0);

/** The store of a drill, which says afterwards what its places were called. */
function remembering(store: DrillStore, storeIds: Map<string, string>): DrillStore {
  return {
    place: async (name, options) => {
      const made = await store.place(name, options);
      storeIds.set(name, made.storeId);
      return made;
    },
    remove: () => store.remove(),
  };
}

/** The run that was parked, where one was; otherwise the one that reached the end. */
async function runToShow({ client }: Lethe, workflowId: string): Promise<string> {
  let shown: string | undefined;
  for await (const { runId, status } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    if (status.name === 'FAILED') return runId;
    shown = runId;
  }
  if (shown === undefined) throw new Error(`expected a workflow ${workflowId}, got none`);
  return shown;
}
