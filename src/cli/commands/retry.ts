import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface RetryOptions extends StoreOptions {
  readonly failed?: boolean;
  readonly set: readonly string[];
  readonly detach?: boolean;
}

export function retryCommand(): Command {
  const command = makeCommand({
    usage: 'retry <target>',
    description: 'Re-open parked stages of a run, a stage or a sweep (--failed), and follow to the end',
    examples: [
      'lethe retry quickstart --failed',
      'lethe retry d32.forgetting.s1 --set resources.memory=4GB',
      'lethe retry d32.finetune.s1 --set microBatch=8 --set retries.crash=5',
    ],
  })
    .option('--failed', 'all parked stages of the sweep')
    .option(
      '--set <word=value>',
      'change how it is carried out, never what it is; may be given several times',
      collect,
      [],
    )
    .option('--detach', 'return at once instead of following the sweep');
  return withAnyStore(command).action(exitsWith(retry));
}

async function retry(target: string, options: RetryOptions): Promise<ExitCode> {
  const [
    { Output },
    { reachStore },
    { findTarget },
    { parseOverrides },
    { retryStages },
    { followToTheEnd },
    { personName },
    { withLiveProcesses },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../retry-target.ts'),
    import('../override-words.ts'),
    import('../../temporal/sweep-client.ts'),
    import('../follow-sweep.ts'),
    import('../person-name.ts'),
    import('../with-live-processes.ts'),
  ]);
  const output = new Output(options);
  const overrides = parseOverrides(options.set);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const { sweep, selection } = await findTarget(store, target, options.failed === true);
  const reference = { storeId: store.id, sweepId: sweep.id, planHash: sweep.planHash };
  const request = { selection, by: personName(), ...(overrides === undefined ? {} : { overrides }) };
  const { reopened, untouched } = await withLiveProcesses(
    store,
    { say: (text) => output.say(text), worker: true },
    (connection) => retryStages(connection, reference, request),
  );
  output.record({ event: 'retried', sweep: sweep.id, reopened, untouched });
  output.say(
    reopened.length > 0 ? `re-opened: ${reopened.join(', ')}` : 'nothing was parked there: nothing is re-opened',
  );
  if (untouched.length > 0 && reopened.length > 0) output.say(`not parked, left as they are: ${untouched.join(', ')}`);
  if (options.detach) return EXIT.done;
  return followToTheEnd({ access, store, sweep, output });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
