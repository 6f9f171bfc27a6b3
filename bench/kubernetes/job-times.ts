import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { lethe } from '../../test/cli/lethe-command.ts';
import { type Cluster, startCluster } from '../../test/cluster/cluster.ts';
import { CLAIM, makeTrainingNamespace } from '../../test/cluster/training-namespace.ts';
import { trainersOf } from '../../test/server/trainer-watch.ts';
import { toySweepFile } from '../../test/support/toy-sweep-file.ts';
import { spread } from './spread.ts';

/**
 * Stages as Jobs of a real Kubernetes (docs/test-cluster.md): from the answer to a Job's POST to its trainer's first step, from the end of a trainer and of its pod to
 * the decision on the disk, and from a trainer's SIGKILL to the first new step of its successor. Needs root, and the parts that `npm run cluster:up` builds.
 *
 *   node bench/kubernetes/job-times.ts --runs 10 --kills 10
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, kills: { type: 'string', default: '10' } },
});
const runs = Number(values.runs);
const kills = Number(values.kills);
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
  const at = ['--yes', '--on', 'kubernetes', '--cluster', settings];
  const sweep = join(folder, 'toy.yaml');
  const seeds = Array.from({ length: runs }, (_, index) => index + 1).join(', ');
  writeFileSync(sweep, `${toySweepFile({ seeds, steps: 200 })}parallel: 2\n`);
  const { code, stderr } = await lethe(['run', sweep, ...at], here);
  if (code !== 0) throw new Error(`expected the sweep to end with 0, got ${code}: ${stderr}`);
  const writers = globSync(join(store, 'stages', '*', 'attempts', '*', '*', 'progress.jsonl')).map(dirname);
  const ends = await podEnds(cluster);
  const figures = {
    jobs: writers.length,
    postToFirstStep: spread(
      writers.map((writer) => (firstStepMs(writer) ?? Number.NaN) - writtenMs(dirname(writer), 'launched.json')),
    ),
    endToDecision: spread(
      writers.map((writer) => writtenMs(dirname(writer), 'evidence.json') - writtenMs(writer, 'outcome.json')),
    ),
    // The API server knows the end of a pod to the second: up to one second too long.
    podEndToDecision: spread(
      writers.flatMap((writer) => {
        const ended = ends.get(basename(writer));
        return ended === undefined ? [] : [writtenMs(dirname(writer), 'evidence.json') - ended];
      }),
    ),
    load: loadavg()[0],
  };
  const long = join(folder, 'long.yaml');
  writeFileSync(long, toySweepFile({ name: 'long', steps: 2_000_000, checkpointEvery: 500 }));
  const begun = await lethe(['run', long, ...at, '--detach'], here);
  if (begun.code !== 0) throw new Error(`expected the long sweep to start, got ${begun.code}: ${begun.stderr}`);
  const killToStep: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) killToStep.push(await killOne());
  Object.assign(figures, { killToFirstNewStep: spread(killToStep) });
  await lethe(['cancel', 'long'], here);
  console.log(JSON.stringify(figures));
} finally {
  await lethe(['stop'], here);
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** When the container of each pod ended, by the pod's uid: the name of its writer's folder. */
async function podEnds({ kubectl }: Cluster): Promise<Map<string, number>> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'json'])) as {
    items: {
      metadata: { uid: string };
      status: { containerStatuses?: { state: { terminated?: { finishedAt: string } } }[] };
    }[];
  };
  return new Map(
    items.flatMap(({ metadata, status }) => {
      const ended = status.containerStatuses?.[0]?.state.terminated?.finishedAt;
      return ended === undefined ? [] : [[metadata.uid, Date.parse(ended)] as const];
    }),
  );
}

/** Kills the trainer that is at work, and returns the milliseconds until its successor has made a step. */
async function killOne(): Promise<number> {
  const victim = await until('a trainer that has made steps', () => {
    const [trainer] = trainersOf(store);
    const before = workingWriter();
    return trainer && before && { pid: trainer.pid, writer: before.writer };
  });
  process.kill(victim.pid, 'SIGKILL');
  const killedMs = Date.now();
  const next = await until('the first new step', () => {
    const working = workingWriter();
    return working?.writer === victim.writer ? undefined : working;
  });
  // More than one checkpoint, so that the next kill has progress behind it.
  await sleep(2_000);
  return next.steppedMs - killedMs;
}

/** The newest writer of the long stage, once it has made a step of its own. */
function workingWriter(): { readonly writer: string; readonly steppedMs: number } | undefined {
  const logs = globSync(join(store, 'stages', '*', 'attempts', '*', '*', 'progress.jsonl'));
  const newest = logs
    .map((log) => ({ log, began: statSync(dirname(log)).birthtimeMs }))
    .toSorted((a, b) => a.began - b.began)
    .at(-1);
  if (newest === undefined || existsSync(join(dirname(newest.log), 'outcome.json'))) return undefined;
  const from = join(dirname(newest.log), 'from.json');
  const { step: start = 0 } = existsSync(from) ? (JSON.parse(readFileSync(from, 'utf8')) as { step?: number }) : {};
  const steppedMs = firstStepMs(dirname(newest.log), start);
  return steppedMs === undefined ? undefined : { writer: dirname(newest.log), steppedMs };
}

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(20)) {
    const seen = look();
    if (seen !== undefined) return seen;
  }
  throw new Error(`expected ${what} within 120 s`);
}

function writtenMs(path: string, name: string): number {
  return statSync(join(path, name)).mtimeMs;
}

/** When a writer's first line beyond `start` was written. */
function firstStepMs(writer: string, start = 0): number | undefined {
  for (const line of readFileSync(join(writer, 'progress.jsonl'), 'utf8').split('\n').slice(0, -1)) {
    const { step, time } = JSON.parse(line) as { step: number; time: number };
    if (step > start) return time * 1_000;
  }
  return undefined;
}
