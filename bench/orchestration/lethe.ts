import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Store } from '../../src/artifacts/store.ts';
import { SweepFolder } from '../../src/artifacts/sweep-folder.ts';
import { loadSweep } from '../../src/cli/load-sweep.ts';
import { hashPlan } from '../../src/experiment/freeze-plan.ts';
import type { Plan, PlanStage } from '../../src/experiment/plan.ts';
import { stageKey } from '../../src/experiment/stage-key.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import { stageWorkflowId, sweepWorkflowId } from '../../src/experiment/workflow-ids.ts';
import { ensureEmbeddedServer, stopEmbeddedServer } from '../../src/temporal/embedded-server.ts';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { createLetheWorker, installRuntime } from '../../src/worker.ts';

/**
 * Cost of orchestration: runs of one stage whose job is a real process that returns at once.
 * `node bench/orchestration/lethe.ts [--runs 100] [--parallel 50]` prints one JSON line. Server and jobs are counted apart from worker and client.
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100' }, parallel: { type: 'string', default: '50' } },
});
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));

function noopStage(number: number): PlanStage {
  const spec: StageSpec = {
    format: 'lethe-stage/1',
    kind: 'score',
    backend: 'cpu',
    precision: 'fp32',
    numerics: 1,
    model: {
      ...{ family: 'gpt2', layers: 1, width: 8, heads: 1, keyValueHeads: 1, feedForward: 32, context: 16 },
      ...{ vocabulary: 256, tiedHead: true, normEpsilon: 1e-5, ropeBase: 10000, initialRange: 0.02 },
    },
    start: { kind: 'random', seed: number },
    seed: number,
  };
  const common = { number, kind: 'score', model: 'noop', seed: number, parents: [], spec } as const;
  return { ...common, key: stageKey(spec), label: `noop.score.s${number}` };
}

const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system seconds of a process of ours. */
function processSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

installRuntime('warn');
const server = await ensureEmbeddedServer(folder);
try {
  const store = await Store.create(folder, { address: server.address, namespace: 'lethe' });
  const stages = Array.from({ length: runs }, (_, number) => noopStage(number));
  // Any valid analysis plan: nothing is analysed here.
  const { analysis } = (await loadSweep('quickstart')).plan;
  const plan: Plan = {
    format: 'lethe-plan/1',
    name: 'noop',
    models: [{ name: 'noop', spec: stages[0]!.spec.model, parameters: 3000, scaleParameters: 800 }],
    stages,
    runs: stages.map((stage) => {
      return { id: `noop.none.s${stage.seed}`, model: 'noop', arm: 'none', seed: stage.seed, stages: [stage.number] };
    }),
    analysis,
  };
  const planHash = hashPlan(plan);
  const { id: sweepId } = await SweepFolder.freeze(store, plan, planHash);
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
  const sweep = { storeId: store.id, sweepId, planHash, schedule: { parallel: Number(values.parallel) } };
  const [serverBefore, ownBefore, start] = [processSeconds(server.pid), ownSeconds(), performance.now()];
  await startSweep(worker.lethe, sweep);
  const end = await awaitSweep(worker.lethe, sweep);
  const wall = performance.now() - start;
  const [own, ofServer] = [ownSeconds() - ownBefore, processSeconds(server.pid) - serverBefore];
  const workflow = worker.lethe.client.workflow;
  const rootEvents = (await workflow.getHandle(sweepWorkflowId(store.id, sweepId)).describe()).historyLength;
  const stageEvents = (await workflow.getHandle(stageWorkflowId(store.id, stages[0]!)).describe()).historyLength;
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
