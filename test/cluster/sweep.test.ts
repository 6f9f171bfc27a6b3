import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../src/cli/project-folder.ts';
import { type Ended, lethe } from '../cli/lethe-command.ts';
import { jsonLines } from '../server/cli-world.ts';
import { holdTrainers } from '../server/trainer-watch.ts';
import { toySweepFile } from '../support/toy-sweep-file.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { CLAIM, makeTrainingNamespace } from './training-namespace.ts';

const IMAGE = 'localhost/lethe-trainer:test';
const NAMESPACE = 'sweeps';

/** A place for one sweep: the store, its table of local jobs, its sweep file. */
class SweepPlace {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-sweep-'));
  readonly store = join(this.folder, 'store');
  readonly file = join(this.folder, 'toy.yaml');

  constructor() {
    const sizes = { steps: 6_000, reviewSteps: 200, checkpointEvery: 100 };
    writeFileSync(this.file, toySweepFile({ models: 'gpt2-d8, gpt2-d16', ...sizes }));
  }

  /** Runs the real command; what it and its worker make is writable for the jobs, which are nobody in particular. */
  lethe(...args: string[]): Promise<Ended> {
    return lethe(args, { LETHE_STORE: this.store, XDG_STATE_HOME: join(this.folder, 'state') });
  }

  async end(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr, code } = await this.lethe('run', this.file, '--json', '--yes', ...args);
    if (code !== 0) throw new Error(`expected the sweep to end with 0, got ${code}: ${stderr}\n${stdout}`);
    return jsonLines(stdout).at(-1) ?? {};
  }

  /** What a file of every attempt says. */
  attempts<T>(name: string): T[] {
    const stages = join(this.store, 'stages');
    return readdirSync(stages).flatMap((key) => {
      const attempts = join(stages, key, 'attempts');
      return readdirSync(attempts).map((number) => JSON.parse(readFileSync(join(attempts, number, name), 'utf8')) as T);
    });
  }

  async remove(): Promise<void> {
    await this.lethe('stop');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('a sweep whose stages are Jobs of a cluster', { timeout: 600_000 }, () => {
  let cluster: Cluster;
  let images: string;
  let here: SweepPlace;
  let there: SweepPlace;
  let umask: number;
  beforeAll(async () => {
    umask = process.umask(0);
    images = mkdtempSync(join(tmpdir(), 'lethe-image-'));
    const archive = join(images, 'trainer.tar');
    execFileSync(process.execPath, [join(projectFolder, 'scripts', 'images', 'trainer-image.mjs'), archive, IMAGE]);
    cluster = await startCluster({ nodes: 2, images: [archive] });
    here = new SweepPlace();
    there = new SweepPlace();
  });
  afterAll(async () => {
    await there?.remove();
    await here?.remove();
    await cluster?.stop();
    rmSync(images, { recursive: true, force: true });
    process.umask(umask);
  });

  const kubectl = (...args: string[]) => cluster.kubectl(['--namespace', NAMESPACE, ...args]);

  it('ends with the report and the digest of the same sweep on this machine, though one of its pods was deleted', async () => {
    const expected = await here.end();
    mkdirSync(there.store);
    await makeTrainingNamespace(cluster, NAMESPACE, there.store);
    const settings = join(there.folder, 'cluster.yaml');
    writeFileSync(
      settings,
      JSON.stringify({
        kubeconfig: cluster.kubeconfig,
        namespace: NAMESPACE,
        image: IMAGE,
        imagePullPolicy: 'Never',
        store: { claim: CLAIM },
        defaults: { graceSeconds: 10, cores: 0.2 },
      }),
    );
    const running = there.end('--on', 'kubernetes', '--cluster', settings);
    // Held until its end is asked for: a stage of a second may otherwise be over first.
    let hold = holdTrainers(there.store);
    const isHeld = () => {
      hold = holdTrainers(there.store);
      return hold.held.length > 0;
    };
    await expect.poll(isHeld, { timeout: 120_000, interval: 20 }).toBe(true);
    await kubectl('delete', 'pods', '--all', '--wait=false');
    const areAsked = () => hold.held.every(({ pid }) => isAskedToEnd(pid));
    await expect.poll(areAsked, { timeout: 30_000, interval: 20 }).toBe(true);
    hold.release();
    const end = await running;
    expect(end.statisticsDigest).toBe(expected.statisticsDigest);
    expect(readFileSync(String(end.report), 'utf8')).toContain('<html');
    const jobs = there.attempts<{ manifest?: object }>('job.json');
    expect(jobs.every(({ manifest }) => manifest !== undefined)).toBe(true);
    expect(there.attempts<{ failure?: string }>('evidence.json').map(({ failure }) => failure)).toContain('preempted');
  });

  it('runs again without a Job', async () => {
    const before = await kubectl('get', 'jobs', '--output=name');
    const end = await there.end();
    expect(end.statisticsDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(await kubectl('get', 'jobs', '--output=name')).toBe(before);
  });
});

/** SIGTERM waits for it, or it is gone already. */
function isAskedToEnd(pid: number): boolean {
  try {
    const pending = /^ShdPnd:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(pending, 16) & (1 << (constants.signals.SIGTERM - 1))) !== 0;
  } catch {
    return true;
  }
}
