import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function explainCommand(): Command {
  const command = makeCommand({
    usage: 'explain <run>',
    description:
      'Tell how a run came to be where it is: stages and keys, what decides them, what changed, each attempt and why it ended',
    examples: ['lethe explain d32.forgetting.s1', 'lethe explain quickstart/d32.forgetting.s1 --json'],
  }).option('--inputs', 'every input that the keys cover');
  return withAnyStore(command).action(exitsWith(explain));
}

async function explain(text: string, options: StoreOptions & { readonly inputs?: boolean }): Promise<ExitCode> {
  const [
    { Output },
    { connectIfUp, workflowLink },
    { reachStore },
    { findRun },
    { explainRun },
    { renderExplanation },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../access/reach-store.ts'),
    import('../sweeps.ts'),
    import('../explain-run.ts'),
    import('../render-explanation.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const { sweep, run } = await findRun(store, text);
  await access.bringStages(run.stages.map((number) => sweep.plan.stages[number]!.key));
  const connection = await connectIfUp(store);
  const explanation = await explainRun(
    store,
    sweep,
    run,
    (workflowId) => connection && workflowLink(connection, workflowId),
  );
  await connection?.close();
  output.record(explanation);
  for (const line of renderExplanation(explanation, output, options.inputs === true)) output.line(line);
  return EXIT.done;
}
