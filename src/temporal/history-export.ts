import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { sweepWorkflowId } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';

const EXPORTED_AT_ONCE = 4;

/**
 * Copies the histories of an ended sweep and of the stages that it started into `folder` (`sweeps/<id>/history/`), one `<workflow>~<run id>.json` each, in the
 * JSON that the Temporal UI and `Worker.runReplayHistories` read. Executions still open are left out; a file that exists is final and is not fetched again.
 */
export async function exportHistories(
  lethe: Lethe,
  sweep: { readonly storeId: string; readonly sweepId: string },
  folder: string,
): Promise<{ readonly exported: number; readonly present: number }> {
  await mkdir(folder, { recursive: true });
  const counts = { exported: 0, present: 0 };
  const open: { workflowId: string; runId: string }[] = [];
  const attribute = JSON.stringify(sweep.sweepId.toLowerCase());
  const query = `LetheSweep = ${attribute} AND ExecutionStatus != "Running"`;
  for await (const { workflowId, runId } of lethe.client.workflow.list({ query })) open.push({ workflowId, runId });
  const rootId = sweepWorkflowId(sweep.storeId, sweep.sweepId);
  open.sort((a, b) => Number(b.workflowId === rootId) - Number(a.workflowId === rootId));
  const next = open.values();
  const worker = async () => {
    for (const { workflowId, runId } of next) {
      const path = join(folder, `${workflowId.replaceAll('/', '~')}~${runId}.json`);
      if (await exists(path)) {
        counts.present += 1;
        continue;
      }
      const history = await lethe.client.workflow.getHandle(workflowId, runId).fetchHistory();
      await writeFile(`${path}.part`, historyToJSON(history));
      await rename(`${path}.part`, path);
      counts.exported += 1;
    }
  };
  await Promise.all(Array.from({ length: EXPORTED_AT_ONCE }, worker));
  return counts;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
