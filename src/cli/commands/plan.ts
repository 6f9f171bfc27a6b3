import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface PlanOptions extends StoreOptions {
  readonly stages?: boolean;
}

export function planCommand(): Command {
  const command = makeCommand({
    usage: 'plan <sweep>',
    description:
      'Show what a sweep file would run: parameters, FLOPs, memory, disk, time, what is done already; changes nothing',
    examples: [
      'lethe plan configs/sweeps/quickstart.yaml',
      'lethe plan quickstart --json',
      'lethe plan quickstart --stages',
    ],
  }).option('--stages', 'list every stage with its key');
  return withAnyStore(command).action(exitsWith(showPlan));
}

async function showPlan(file: string, options: PlanOptions): Promise<ExitCode> {
  const [
    { Output },
    { loadSweep },
    { renderPlan },
    { priceOnMachine, priceInCluster },
    { reachStore },
    { CLUSTER_PARALLEL },
    { idleDevices },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../load-sweep.ts'),
    import('../../experiment/render-plan.ts'),
    import('../price-on-machine.ts'),
    import('../access/reach-store.ts'),
    import('../cluster-of-store.ts'),
    import('../idle-devices.ts'),
  ]);
  const output = new Output(options);
  const store = await reachStore(options, (text) => output.say(text));
  const loaded = await loadSweep(file, store);
  const { plan, planHash, id } = loaded;
  const jobsIn = await store.cluster(options);
  const cluster = store.remote ? jobsIn : undefined;
  const { priced, rate, refusals } =
    cluster === undefined
      ? await priceOnMachine(loaded, store)
      : await priceInCluster(loaded, store, cluster, loaded.sweep.execution.parallel ?? CLUSTER_PARALLEL);
  const exitCode = refusals.length > 0 ? EXIT.badInput : EXIT.done;
  if (options.json) {
    const { total, scales } = priced;
    const stages = priced.stages.map(({ stage, done, cost, seconds, leastSeconds }) => {
      const { number, key, kind, model, seed, label, parents } = stage;
      return { number, key, kind, model, seed, label, parents, done, seconds, leastSeconds, ...cost };
    });
    output.record({ sweep: id, planHash, rate, total, scales, runs: plan.runs, stages, refusals });
    return exitCode;
  }
  for (const line of renderPlan(priced, planHash)) output.line(line);
  output.line(`Rate: ${rate.because}.`);
  for (const refusal of refusals) output.line(`Refused: ${refusal}.`);
  const idle = jobsIn && idleDevices(loaded, jobsIn);
  if (idle !== undefined) output.line(`Note: ${idle}.`);
  if (options.stages) {
    output.line();
    for (const { stage, done } of priced.stages)
      output.line(`${stage.key.slice(0, 12)}  ${done ? 'done' : '    '}  ${stage.label}`);
  }
  return exitCode;
}
