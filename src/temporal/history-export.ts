import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { sweepWorkflowId } from '../experiment/workflow-ids.ts';
import type { Lethe } from './connection.ts';

const EXPORTED_AT_ONCE = 4;

/**
 * Copies the histories of an ended sweep and of the stages that it started into `folder` (`sweeps/<id>/history/`), one `<workflow>~<run id>.json` each, in the
 * JSON that the Temporal UI and `Worker.runReplayHistories` read. Executions still open are left out; a file that exists is final and is not fetched again. The
 * sweep's own come last: where they are, everything is.
 */
export async function exportHistories(
  lethe: Lethe,
  sweep: { readonly storeId: string; readonly sweepId: string },
  folder: string,
): Promise<{ readonly exported: number; readonly present: number }> {
  await mkdir(folder, { recursive: true });
  const rootId = sweepWorkflowId(sweep.storeId, sweep.sweepId);
  const attribute = JSON.stringify(sweep.sweepId.toLowerCase());
  const query = `LetheSweep = ${attribute} AND ExecutionStatus != "Running"`;
  const prefix = `${rootId.slice(0, rootId.indexOf('/'))}/`;
  const roots: string[] = [];
  const stages: { readonly workflowId: string; readonly runId: string }[] = [];
  for await (const { workflowId, runId } of lethe.client.workflow.list({ query })) {
    if (workflowId === rootId) roots.push(runId);
    else if (workflowId.startsWith(prefix)) stages.push({ workflowId, runId });
  }
  const counts = { exported: 0, present: 0 };
  const copy = async (workflowId: string, runId: string) => {
    if (await hasHistory(folder, workflowId, runId)) {
      counts.present += 1;
      return;
    }
    const history = await lethe.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const path = pathOf(folder, workflowId, runId);
    await writeFile(`${path}.part`, historyToJSON(history));
    await rename(`${path}.part`, path);
    counts.exported += 1;
  };
  const next = stages.values();
  const worker = async () => {
    for (const { workflowId, runId } of next) await copy(workflowId, runId);
  };
  await Promise.all(Array.from({ length: EXPORTED_AT_ONCE }, worker));
  for (const runId of roots) await copy(rootId, runId);
  return counts;
}

export async function hasHistory(folder: string, workflowId: string, runId: string): Promise<boolean> {
  return stat(pathOf(folder, workflowId, runId)).then(
    () => true,
    () => false,
  );
}

function pathOf(folder: string, workflowId: string, runId: string): string {
  return join(folder, `${workflowId.replaceAll('/', '~')}~${runId}.json`);
}
