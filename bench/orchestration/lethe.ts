import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { stageWorkflowId, sweepWorkflowId } from '../../src/experiment/workflow-ids.ts';
import { ensureEmbeddedServer, stopEmbeddedServer } from '../../src/temporal/embedded-server.ts';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { createLetheWorker, installRuntime } from '../../src/worker.ts';
import { cpuSeconds } from '../kubernetes/processes.ts';
import { freezeNoopSweep } from '../noop-sweep.ts';

/**
 * Cost of orchestration: runs of one stage whose job is a real process that returns at once.
 * `node bench/orchestration/lethe.ts [--runs 100] [--parallel 50]` prints one JSON line. Server and jobs are counted apart from worker and client.
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100' }, parallel: { type: 'string', default: '50' } },
});
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

installRuntime('warn');
const server = await ensureEmbeddedServer(folder);
try {
  const store = await Store.create(folder, { address: server.address, namespace: 'lethe' });
  const frozen = await freezeNoopSweep(store, { name: 'noop', firstSeed: 1, runs });
  const sweep = { ...frozen, schedule: { parallel: Number(values.parallel) } };
  const worker = await createLetheWorker({
    storePath: folder,
    address: server.address,
    namespace: 'lethe',
    slots: 2,
    trainer: [join(import.meta.dirname, 'noop-trainer.sh')],
    finishing: {
      gatherForgetting: async () => ({ missingRuns: [], wholeRuns: runs, tablesDigest: 'none' }),
      analyse: async () => ({ verdict: 'UNLEARNED', statisticsDigest: 'none' }),
      writeReport: async () => ({ report: 'none' }),
    },
  });
  const running = worker.run();
  const [serverBefore, ownBefore, start] = [cpuSeconds(server.pid), ownSeconds(), performance.now()];
  await startSweep(worker.lethe, sweep);
  const end = await awaitSweep(worker.lethe, sweep);
  const wall = performance.now() - start;
  const [own, ofServer] = [ownSeconds() - ownBefore, cpuSeconds(server.pid) - serverBefore];
  const workflow = worker.lethe.client.workflow;
  const rootEvents = (await workflow.getHandle(sweepWorkflowId(store.id, sweep.sweepId)).describe()).historyLength;
  const [first] = (await new SweepFolder(store, sweep.sweepId).plan()).plan.stages;
  const stageEvents = (await workflow.getHandle(stageWorkflowId(store.id, first!)).describe()).historyLength;
  const per = (seconds: number) => Number(((seconds * 1000) / runs).toFixed(1));
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const figures = {
    runs,
    ended: end.status,
    wallMs: per(wall / 1000),
    workerMs: per(own),
    serverMs: per(ofServer),
    peakMiB,
  };
  process.stdout.write(`${JSON.stringify({ system: 'lethe', ...figures, rootEvents, stageEvents })}\n`);
  worker.shutdown();
  await running;
} finally {
  await stopEmbeddedServer(folder);
  rmSync(folder, { recursive: true, force: true });
}
