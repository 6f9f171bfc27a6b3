import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { type ChildExit, ChildJob, type ChildProcessId } from './child-job.ts';
import { jobEnvironment } from './job-environment.ts';

export interface NurseryRequest {
  readonly id: number;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly log: string;
  readonly environment: Record<string, string>;
}

export type NurseryWord =
  | { readonly id: number; readonly started: ChildProcessId }
  | { readonly id: number; readonly exit: ChildExit };

const PROGRAM = fileURLToPath(new URL('./nursery-process.ts', import.meta.url));

/**
 * Starts jobs from a small process beside the worker. To fork, the kernel copies the page tables of the whole parent: measured 10 ms of CPU and a main thread
 * that stands still for 27 ms a job from a worker of 370 MB, .6 ms from here. When the nursery dies its jobs run on, and are found again by launched.json.
 */
export class Nursery {
  private readonly launchBinary: readonly string[];
  private readonly jobs = new Map<number, ChildJob>();
  private process: ChildProcess | undefined;
  private lastId = 0;

  constructor(launchBinary: readonly string[]) {
    this.launchBinary = launchBinary;
  }

  start(spec: JobSpec): ChildJob {
    const [program = 'lethe-launch', ...first] = this.launchBinary;
    this.lastId += 1;
    const id = this.lastId;
    const job = new ChildJob();
    this.jobs.set(id, job);
    const request: NurseryRequest = {
      id,
      program,
      args: [...first, '--attempt-dir', spec.attemptFolder, '--', ...spec.command],
      cwd: spec.attemptFolder,
      log: join(spec.attemptFolder, 'log.txt'),
      environment: jobEnvironment(process.env, spec.environment),
    };
    const nursery = this.open();
    nursery.send(request, (error) => {
      if (error !== null) this.lose(nursery);
    });
    return job;
  }

  /** Lets go of the jobs; they run on. */
  close(): void {
    const nursery = this.process;
    if (nursery === undefined) return;
    this.process = undefined;
    nursery.removeAllListeners();
    if (nursery.connected) nursery.disconnect();
    this.jobs.clear();
  }

  private open(): ChildProcess {
    if (this.process !== undefined) return this.process;
    // Detached, so that it hears of the end of its worker by the closed channel only, not by Ctrl-C.
    const nursery = fork(PROGRAM, [], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    nursery.on('message', (word) => this.hear(word as NurseryWord));
    nursery.once('error', () => this.lose(nursery));
    nursery.once('exit', () => this.lose(nursery));
    nursery.unref();
    nursery.channel?.unref();
    this.process = nursery;
    return nursery;
  }

  private hear(word: NurseryWord): void {
    const job = this.jobs.get(word.id);
    if (job === undefined) return;
    if ('started' in word) {
      job.started.open(word.started);
      return;
    }
    this.jobs.delete(word.id);
    job.ended.open(word.exit);
  }

  private lose(nursery: ChildProcess): void {
    if (this.process !== nursery) return;
    this.process = undefined;
    const orphans = [...this.jobs.values()];
    this.jobs.clear();
    for (const job of orphans) job.ended.open(null);
  }
}
