import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';
import { wholeNumber } from '../whole-number.ts';

interface LogOptions extends StoreOptions {
  readonly follow?: boolean;
  readonly lines: string;
  readonly stage?: string;
  readonly attempt?: string;
}

export function logsCommand(): Command {
  const command = makeCommand({
    usage: 'logs <run>',
    description: 'Print the end of the log of the newest attempt of the stage that a run is at',
    examples: [
      'lethe logs d32.forgetting.s1',
      'lethe logs d32.forgetting.s1 --follow',
      'lethe logs d32.forgetting.s1 --stage finetune --attempt 1',
    ],
  })
    .option('-f, --follow', 'go on until the attempt is over')
    .option('-n, --lines <count>', 'lines from the end', '40')
    .option('--stage <kind>', 'another stage of the run, by kind or by name')
    .option('--attempt <number>', 'another attempt');
  return withAnyStore(command).action(exitsWith(showLog));
}

async function showLog(text: string, options: LogOptions): Promise<ExitCode> {
  const [{ Output }, { reachStore }, { findRun }, { stageOfRun, followLog, progressOf }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../sweeps.ts'),
    import('../run-log.ts'),
  ]);
  const output = new Output(options);
  const lines = wholeNumber('--lines', options.lines, 1);
  const access = await reachStore(options, (said) => output.say(said));
  const store = await access.open();
  const { sweep, run } = await findRun(store, text);
  await access.bringStages(run.stages.map((index) => sweep.plan.stages[index]!.key));
  const stage = await stageOfRun(store, sweep, run, options.stage);
  const folder = store.stage(stage.key);
  const attempts = await folder.attempts();
  const number = options.attempt === undefined ? attempts.at(-1) : Number(options.attempt);
  if (number === undefined || !attempts.includes(number)) {
    const there =
      attempts.length === 0
        ? `${stage.label} has not been launched yet`
        : `${stage.label} has the attempts ${attempts.join(', ')}`;
    throw new BadInput(
      `${there}${options.attempt === undefined ? '' : `, not ${options.attempt}`}: there is no log to show.`,
    );
  }
  const attempt = folder.attempt(number);
  const show = (line: string) => {
    output.line(line);
    output.record({ line });
  };
  const api = (await attempt.evidence()) === undefined ? await access.api() : undefined;
  output.say(`${stage.label}, attempt ${number}: ${api === undefined ? attempt.logPath : `pod of ${attempt.jobName}`}`);
  const { followPodLog, podLog } = await import('../../jobs/kubernetes/pod-log.ts');
  const tail = (api && (await podLog(api, attempt.jobName, lines))) ?? (await attempt.logTail(lines));
  for (const line of tail) show(line);
  if (tail.length === 0) output.say('the job has said nothing');
  const progress = await progressOf(attempt);
  if (progress !== undefined) output.line(progress);
  if (!options.follow) return EXIT.done;
  if (api !== undefined) await followPodLog(api, attempt.jobName, show);
  else if (!access.remote) await followLog(attempt, show);
  return EXIT.done;
}
