import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { lethe } from '../../test/cli/lethe-command.ts';
import { startCluster } from '../../test/cluster/cluster.ts';
import { CLAIM, makeTrainingNamespace } from '../../test/cluster/training-namespace.ts';
import { toySweepFile } from '../../test/support/toy-sweep-file.ts';
import { spread } from './spread.ts';

/**
 * A sweep of short stages as Jobs of a real Kubernetes (docs/test-cluster.md): from the answer to a Job's POST to its trainer's first step, and from the end of a
 * trainer to the decision on the disk. Needs root, and the parts that `npm run cluster:up` builds.
 *
 *   node bench/kubernetes/job-times.ts --runs 10
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } });
const runs = Number(values.runs);
const IMAGE = 'localhost/lethe-trainer:test';
const NAMESPACE = 'job-times';

// The worker is root here, its jobs are nobody in particular.
process.umask(0);
const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
const store = join(folder, 'store');
const here = { LETHE_STORE: store, XDG_STATE_HOME: join(folder, 'state') };
const archive = join(folder, 'trainer.tar');
execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, IMAGE]);
const cluster = await startCluster({ nodes: 2, images: [archive] });
try {
  mkdirSync(store);
  await makeTrainingNamespace(cluster, NAMESPACE, store);
  const settings = join(folder, 'cluster.yaml');
  const { kubeconfig } = cluster;
  const trainer = { image: IMAGE, imagePullPolicy: 'Never', defaults: { cores: 0.2 } };
  writeFileSync(settings, JSON.stringify({ kubeconfig, namespace: NAMESPACE, store: { claim: CLAIM }, ...trainer }));
  const sweep = join(folder, 'toy.yaml');
  const seeds = Array.from({ length: runs }, (_, index) => index + 1).join(', ');
  writeFileSync(sweep, `${toySweepFile({ seeds, steps: 200 })}parallel: 2\n`);
  const { code, stderr } = await lethe(['run', sweep, '--yes', '--on', 'kubernetes', '--cluster', settings], here);
  if (code !== 0) throw new Error(`expected the sweep to end with 0, got ${code}: ${stderr}`);
  const writers = globSync(join(store, 'stages', '*', 'attempts', '*', '*', 'progress.jsonl')).map(dirname);
  const figures = {
    jobs: writers.length,
    postToFirstStep: spread(writers.map((writer) => firstStepMs(writer) - writtenMs(dirname(writer), 'launched.json'))),
    endToDecision: spread(
      writers.map((writer) => writtenMs(dirname(writer), 'evidence.json') - writtenMs(writer, 'outcome.json')),
    ),
    load: loadavg()[0],
  };
  console.log(JSON.stringify(figures));
} finally {
  await lethe(['stop'], here);
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function writtenMs(path: string, name: string): number {
  return statSync(join(path, name)).mtimeMs;
}

function firstStepMs(writer: string): number {
  for (const line of readFileSync(join(writer, 'progress.jsonl'), 'utf8').trimEnd().split('\n')) {
    const { step, time } = JSON.parse(line) as { step: number; time: number };
    if (step > 0) return time * 1_000;
  }
  throw new Error(`expected a step in ${writer}/progress.jsonl, got none`);
}
