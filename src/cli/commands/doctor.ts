import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore } from '../command.ts';
import type { Finding } from '../doctor/examinations.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function doctorCommand(): Command {
  const command = makeCommand({
    usage: 'doctor',
    description:
      'Look for what needs a hand: server, worker, orphaned jobs, disk, build, versions, the cluster; each finding with its fix',
    examples: [
      'lethe doctor',
      'lethe doctor --json',
      'lethe doctor --store /mnt/store --on kubernetes --cluster cluster.yaml --probe',
      'lethe doctor --store pvc:lethe-store',
    ],
  })
    .option('--on <place>', 'kubernetes: look at the cluster of --cluster (default: where the jobs of the store run)')
    .option('--cluster <file>', 'with --on kubernetes: settings of the cluster (docs/kubernetes.md)')
    .option('--probe', "run the trainer's image once in the cluster, as a Job like those of stages");
  return withAnyStore(command).action(exitsWith(examine));
}

interface DoctorOptions extends StoreOptions {
  readonly probe?: boolean;
}

async function examine(options: DoctorOptions): Promise<ExitCode> {
  const { Output } = await import('../terminal/output.ts');
  const output = new Output(options);
  const marks = { good: output.paint('good', '✓'), note: output.paint('warn', '·'), bad: output.paint('bad', '✘') };
  let bad = 0;
  for await (const finding of await findingsOf(options)) {
    if (finding.level === 'bad') bad += 1;
    output.record(finding);
    output.line(`${marks[finding.level]} ${finding.what}: ${finding.found}`);
    if (finding.fix !== undefined) output.line(`    → ${finding.fix}`);
  }
  output.record({ event: 'end', needsAHand: bad });
  if (bad > 0) output.line(`\n${bad} finding${bad === 1 ? ' needs' : 's need'} a hand.`);
  return bad > 0 ? EXIT.incomplete : EXIT.done;
}

async function findingsOf(options: DoctorOptions): Promise<AsyncGenerator<Finding>> {
  const { claimOf, reachCluster, requireNoWay } = await import('../access/reach-store.ts');
  const claim = await claimOf(options);
  if (claim !== undefined) {
    const { examineRemote } = await import('../doctor/examine-remote.ts');
    return examineRemote(await reachCluster(claim, options), options.probe === true);
  }
  requireNoWay(options);
  const [{ examineFolder }, { requirePlace }, { storeFolder }] = await Promise.all([
    import('../doctor/examinations.ts'),
    import('../cluster-of-store.ts'),
    import('../project-folder.ts'),
  ]);
  const given = options.on !== undefined || options.cluster !== undefined;
  const settings = given ? await requirePlace(options, undefined) : undefined;
  return examineFolder(storeFolder(options.store), { probe: options.probe === true, ...(settings && { settings }) });
}
