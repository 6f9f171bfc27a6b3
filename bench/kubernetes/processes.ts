import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterOrder, ClusterReport } from './simulated-cluster.ts';

const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
type Counts = ClusterReport & { readonly kind: 'counts' };

/** The simulated cluster in a process of its own, so that its cost is not the worker's. */
export class ClusterProcess {
  private readonly child = fork(join(import.meta.dirname, 'simulated-cluster.ts'));

  async server(): Promise<string> {
    const [said] = (await once(this.child, 'message')) as [ClusterReport];
    if (said.kind !== 'up') throw new Error(`expected the simulated cluster to come up, got ${said.kind}`);
    return said.server;
  }

  async counts(): Promise<Counts> {
    const answer = once(this.child, 'message');
    this.order({ kind: 'count' });
    return ((await answer) as [Counts])[0];
  }

  order(order: ClusterOrder): void {
    this.child.send(order);
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

/** A worker of a store in a process of its own. */
export class WorkerProcess {
  private readonly child;
  private readonly port: Promise<number>;
  readonly pid: number;

  constructor(store: string, clusterFile: string) {
    const log = openSync(join(store, 'worker.log'), 'a');
    this.child = fork(join(import.meta.dirname, 'bench-worker.ts'), [store, clusterFile], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    if (this.child.pid === undefined) throw new Error('the worker did not start');
    this.pid = this.child.pid;
    this.port = once(this.child, 'message').then(([said]) => (said as { healthPort: number }).healthPort);
  }

  /** One sample of its own metrics; 0 when it is not told. */
  async metric(sample: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${await this.port}/metrics`);
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${sample} `));
    return Number(line?.slice(sample.length) ?? 0);
  }

  /** Jobs that it watches and has seen running. */
  watched(): Promise<number> {
    return this.metric('lethe_jobs{state="running"}');
  }

  get peakMiB(): number {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) / 1024);
  }

  get cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

/** User and system seconds of a process. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}
