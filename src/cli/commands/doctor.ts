import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function doctorCommand(): Command {
  const command = makeCommand({
    usage: 'doctor',
    description:
      'Look for what needs a hand: server, worker, orphaned jobs, disk, build, versions; each finding with its fix',
    examples: ['lethe doctor', 'lethe doctor --json'],
  });
  return withStoreOptions(command).action(exitsWith(examine));
}

async function examine(options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { examineMachine, examineStore }, { storeFolder }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../doctor/examinations.ts'),
    import('../project-folder.ts'),
  ]);
  const output = new Output(options);
  const marks = { good: output.paint('good', '✓'), note: output.paint('warn', '·'), bad: output.paint('bad', '✘') };
  let bad = 0;
  for await (const finding of (async function* () {
    yield* examineMachine();
    yield* examineStore(storeFolder(options.store));
  })()) {
    if (finding.level === 'bad') bad += 1;
    output.record(finding);
    output.line(`${marks[finding.level]} ${finding.what}: ${finding.found}`);
    if (finding.fix !== undefined) output.line(`    → ${finding.fix}`);
  }
  output.record({ event: 'end', needsAHand: bad });
  if (bad > 0) output.line(`\n${bad} finding${bad === 1 ? ' needs' : 's need'} a hand.`);
  return bad > 0 ? EXIT.incomplete : EXIT.done;
}
