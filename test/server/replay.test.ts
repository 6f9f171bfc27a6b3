import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../replay/histories', import.meta.url));
const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

describe('histories recorded by earlier code', () => {
  it('are replayed by the workflows of today, every one', async () => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
    expect(names).toEqual(
      expect.arrayContaining(['sweep-completed.json', 'stage-completed.json', 'sweep-settled.json']),
    );
    const histories = await Promise.all(
      names.map(async (name) => ({
        workflowId: name.replace('.json', ''),
        history: historyFromJSON(JSON.parse(await readFile(join(folder, name), 'utf8'))),
      })),
    );
    const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    const failed: string[] = [];
    let replayed = 0;
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories)) {
      replayed += 1;
      if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
    }
    expect(failed).toEqual([]);
    expect(replayed).toBe(names.length);
  });
});
